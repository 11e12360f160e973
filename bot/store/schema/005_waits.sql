-- Who awaits a run. One on a base may be awaited by several migrations; one that
-- nobody awaits is cancelled.
CREATE TABLE waits (
    migration INTEGER NOT NULL REFERENCES migrations (id),
    run       INTEGER NOT NULL REFERENCES runs (id),
    PRIMARY KEY (migration, run)
) STRICT;
CREATE INDEX waits_run ON waits (run);
INSERT INTO waits (migration, run) SELECT migration, id FROM runs WHERE state IN ('queued', 'running');

DROP INDEX runs_phase;
ALTER TABLE runs DROP COLUMN phase;
CREATE INDEX runs_open ON runs (state) WHERE state IN ('queued', 'running');

-- The commit of the base branch that has to be green before the migration begins,
-- from when it was asked for until it is red, or somebody asks for something; ''
-- if there is none.
ALTER TABLE migrations ADD COLUMN proving TEXT NOT NULL DEFAULT '';
