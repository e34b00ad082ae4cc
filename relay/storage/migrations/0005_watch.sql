-- What the watch remembers of parts that are not there, and what it has yet to tell of them: one row.
CREATE TABLE watch (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    state TEXT NOT NULL                     -- JSON
) STRICT;
