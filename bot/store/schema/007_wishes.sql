-- What people want of a migration, whatever its phases come to. No row: that it
-- goes on.
CREATE TABLE wishes (
    migration INTEGER NOT NULL PRIMARY KEY REFERENCES migrations (id),
    kind      TEXT    NOT NULL CHECK (kind IN ('pause', 'cancel')),
    why       TEXT    NOT NULL -- Markdown, for people
) STRICT;
