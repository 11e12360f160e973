-- Phases that people want to be passed over.
CREATE TABLE skips (
    migration INTEGER NOT NULL REFERENCES migrations (id),
    number    INTEGER NOT NULL, -- 1 moves, 2 imports, 3 cleanup
    skipped_by TEXT   NOT NULL, -- login
    PRIMARY KEY (migration, number)
) STRICT;

-- Who was told that restage does not act for them, so that nobody is told twice.
CREATE TABLE refusals (
    repository INTEGER NOT NULL,
    issue      INTEGER NOT NULL,
    login      TEXT    NOT NULL,
    PRIMARY KEY (repository, issue, login)
) STRICT;
