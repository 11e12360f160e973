-- The commit of the base branch that the error of a phase is about, '' if there is
-- none: on that commit, trying again would end the same way.
ALTER TABLE phases ADD COLUMN tried TEXT NOT NULL DEFAULT '';
