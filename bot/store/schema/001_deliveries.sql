-- What GitHub sent, one row a delivery. Times are milliseconds since 1970 UTC.
CREATE TABLE deliveries (
    id           TEXT    NOT NULL PRIMARY KEY, -- X-GitHub-Delivery
    event        TEXT    NOT NULL,             -- X-GitHub-Event
    action       TEXT    NOT NULL,             -- '' when the event has none
    installation INTEGER NOT NULL,             -- 0 when the payload names none
    repository   TEXT    NOT NULL,             -- OWNER/NAME, '' when the payload names none
    payload      BLOB    NOT NULL,             -- JSON as it was signed
    received_at  INTEGER NOT NULL,
    handled_at   INTEGER                       -- NULL while work is outstanding
) STRICT;

-- The turn that the next look at a migration gets. See looks.go.
CREATE TABLE looks (
    migration INTEGER NOT NULL PRIMARY KEY,
    turn      INTEGER NOT NULL
) STRICT;
