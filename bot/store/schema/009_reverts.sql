-- Merged phases that people want to be taken back. Rows of a migration are worked
-- off from the newest phase to the oldest.
CREATE TABLE reverts (
    migration INTEGER NOT NULL REFERENCES migrations (id),
    round     INTEGER NOT NULL,
    number    INTEGER NOT NULL, -- 1 moves, 2 imports, 3 cleanup
    state     TEXT    NOT NULL CHECK (state IN ('wanted', 'merged', 'dropped', 'over')),
    wanted_by TEXT    NOT NULL, -- login
    pull      INTEGER NOT NULL, -- that takes the phase back, 0 if none
    error     TEXT    NOT NULL, -- why it could not be made, for people; '' if it could
    tried     TEXT    NOT NULL, -- commit of the base branch that the error is about
    PRIMARY KEY (migration, round, number)
) STRICT;
