-- The label that started a migration; '' if that was before it was kept here. A
-- migration waits while its issue is without it.
ALTER TABLE migrations ADD COLUMN label TEXT NOT NULL DEFAULT '';

-- What is known of the label being off the issue: nothing, it was noticed, or
-- somebody said to go on without it.
ALTER TABLE migrations ADD COLUMN absence TEXT NOT NULL DEFAULT '' CHECK (absence IN ('', 'noticed', 'answered'));

-- What the plans of migrations touch that have not ended, so that no two are at
-- work on the same files.
CREATE TABLE claims (
    migration INTEGER NOT NULL PRIMARY KEY REFERENCES migrations (id),
    revision  INTEGER NOT NULL, -- of the migration, that paths are of
    paths     TEXT    NOT NULL, -- JSON: a list of files and folders
    begun     INTEGER NOT NULL CHECK (begun IN (0, 1)) -- 1 when it may open branches, 0 while it waits for others
) STRICT;
