-- Commands of .github/restage.yml, run on a commit. What came of one is kept, so
-- that none runs twice on a commit unless somebody asks for that. Times are
-- milliseconds since 1970 UTC.
CREATE TABLE runs (
    id         INTEGER NOT NULL PRIMARY KEY,
    repository INTEGER NOT NULL,
    commit_id  TEXT    NOT NULL,
    command    TEXT    NOT NULL, -- JSON
    attempt    INTEGER NOT NULL, -- goes up when it is to be run again
    migration  INTEGER NOT NULL REFERENCES migrations (id), -- that asked first
    phase      INTEGER NOT NULL, -- whose head the commit is, 0 if it is a base
    turn       INTEGER NOT NULL, -- goes up when a run that was cancelled is wanted after all
    state      TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'cancelled')),
    asked_at   INTEGER NOT NULL,
    started_at INTEGER,          -- NULL before
    ended_at   INTEGER,          -- likewise
    error      TEXT    NOT NULL, -- why it could not be run, '' if it could
    outcome    TEXT    NOT NULL, -- JSON
    log        TEXT    NOT NULL, -- so far
    UNIQUE (repository, commit_id, command, attempt)
) STRICT;
CREATE INDEX runs_phase ON runs (migration, phase) WHERE state IN ('queued', 'running');

-- How often a check was asked for again, by its name; '' stands for all.
CREATE TABLE rechecks (
    migration INTEGER NOT NULL REFERENCES migrations (id),
    name      TEXT    NOT NULL,
    number    INTEGER NOT NULL, -- rechecks of the migration, when it was asked for last
    PRIMARY KEY (migration, name)
) STRICT;
