-- The files that the plan of a migration moves, as they were when it was first
-- looked at.
CREATE TABLE sources (
    migration INTEGER NOT NULL PRIMARY KEY REFERENCES migrations (id),
    files     TEXT    NOT NULL -- JSON list of paths
) STRICT;
