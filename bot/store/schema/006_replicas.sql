-- Processes that work off the queue. One that gives no sign of life until its
-- time is up is given up, and its row deleted: it writes nothing any more.
CREATE TABLE replicas (
    id    TEXT    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL -- milliseconds since 1970 UTC, by the clock of the database
) STRICT;

-- The replica that works on a migration, '' if none does.
ALTER TABLE looks ADD COLUMN holder TEXT NOT NULL DEFAULT '';

CREATE INDEX deliveries_received ON deliveries (received_at);
