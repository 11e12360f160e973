-- Migrations whose old paths nobody is to use any more: the imports are merged.
CREATE TABLE guards (
    migration INTEGER NOT NULL PRIMARY KEY REFERENCES migrations (id),
    base      TEXT    NOT NULL, -- commit that the imports started from, by which the plan is understood
    cleaned   INTEGER NOT NULL CHECK (cleaned IN (0, 1)) -- 1 when the cleanup is merged, too
) STRICT;

-- The turn that the guard's next look at the pull requests of a repository gets,
-- and the replica at work on one. See looks.go.
CREATE TABLE watches (
    repository INTEGER NOT NULL PRIMARY KEY,
    turn       INTEGER NOT NULL,
    holder     TEXT    NOT NULL DEFAULT ''
) STRICT;

-- Heads of pull requests that the guard knows.
CREATE TABLE guarded (
    repository INTEGER NOT NULL,
    commit_id  TEXT    NOT NULL,
    attempt    INTEGER NOT NULL, -- from 0; goes up when somebody asks for the check again
    posted     TEXT    NOT NULL, -- key of the newest check run, '' if there is none
    PRIMARY KEY (repository, commit_id)
) STRICT;
