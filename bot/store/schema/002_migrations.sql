-- Plans being carried out. Times are milliseconds since 1970 UTC.
CREATE TABLE migrations (
    id           INTEGER NOT NULL PRIMARY KEY,
    delivery     TEXT    NOT NULL UNIQUE, -- X-GitHub-Delivery of the label that started it
    installation INTEGER NOT NULL,
    repository   INTEGER NOT NULL,        -- GitHub's number, which a new name does not change
    owner        TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    issue        INTEGER NOT NULL,
    started_by   TEXT    NOT NULL,        -- login
    base         TEXT    NOT NULL,        -- branch that pull requests go to
    plan_file    TEXT    NOT NULL,        -- path in the repository, '' when the plan is the issue
    plan         TEXT    NOT NULL,        -- text of the plan when the label was put on
    created_at   INTEGER NOT NULL,        -- also the date of all commits
    state        TEXT    NOT NULL CHECK (state IN ('live', 'paused', 'failed', 'done')),
    message      TEXT    NOT NULL,        -- why it is paused or failed, for people
    round        INTEGER NOT NULL,        -- from 1; goes up when all phases run again, on branches of their own
    revision     INTEGER NOT NULL,        -- from 1; goes up when phases are to be computed anew
    rechecks     INTEGER NOT NULL         -- from 0; goes up when checks are to be done again
) STRICT;

-- One migration at a time for an issue.
CREATE UNIQUE INDEX migrations_unfinished ON migrations (repository, issue) WHERE state IN ('live', 'paused');
CREATE INDEX migrations_issue ON migrations (repository, issue);

-- What came of a phase when it was last computed.
CREATE TABLE phases (
    migration INTEGER NOT NULL REFERENCES migrations (id),
    round     INTEGER NOT NULL,
    number    INTEGER NOT NULL, -- 1 moves, 2 imports, 3 cleanup
    revision  INTEGER NOT NULL, -- of the migration, that this was computed for
    rechecks  INTEGER NOT NULL, -- likewise
    pull      INTEGER NOT NULL, -- number of the pull request, 0 if none
    base      TEXT    NOT NULL, -- commit that the branch starts from
    head      TEXT    NOT NULL, -- commit that restage pushed, '' if none
    checked   TEXT    NOT NULL, -- commit that the results in the report are about
    skipped   INTEGER NOT NULL CHECK (skipped IN (0, 1)), -- 1 when there was nothing to do
    error     TEXT    NOT NULL, -- why it could not be computed, '' if it could
    report    TEXT    NOT NULL, -- JSON: what was done, asked and found
    PRIMARY KEY (migration, round, number)
) STRICT;

-- Answers to decisions.
CREATE TABLE answers (
    migration   INTEGER NOT NULL REFERENCES migrations (id),
    path        TEXT    NOT NULL,
    answer      TEXT    NOT NULL,
    question    TEXT    NOT NULL,
    options     TEXT    NOT NULL, -- JSON list
    answered_by TEXT    NOT NULL, -- login
    comment     INTEGER NOT NULL, -- GitHub's number of the comment
    answered_at INTEGER NOT NULL,
    revision    INTEGER NOT NULL, -- of the migration, that the answer led to
    PRIMARY KEY (migration, path)
) STRICT;

-- Requests that were taken in, so that none counts twice.
CREATE TABLE requests (
    id        TEXT    NOT NULL PRIMARY KEY, -- 'comment N' or 'delivery GUID'
    migration INTEGER NOT NULL REFERENCES migrations (id)
) STRICT;

-- Commits that restage pushed, or was about to. Only these may be replaced.
CREATE TABLE pushes (
    repository INTEGER NOT NULL,
    branch     TEXT    NOT NULL,
    commit_id  TEXT    NOT NULL,
    PRIMARY KEY (repository, branch, commit_id)
) STRICT;
