-- The commit by which people took a phase back on the base branch, '' if that is not
-- known, or restage's pull request did it.
ALTER TABLE reverts ADD COLUMN commit_id TEXT NOT NULL DEFAULT '';
