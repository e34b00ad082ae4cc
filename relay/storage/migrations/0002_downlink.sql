-- What a collar is to be told. `settings` is the sealed block of that `number`; a burst waits while burst_s > 0.
CREATE TABLE collar_settings (
    device INTEGER PRIMARY KEY REFERENCES collar (device),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 65535),
    settings BLOB NOT NULL,
    burst_id INTEGER NOT NULL DEFAULT 0 CHECK (burst_id BETWEEN 0 AND 65535),
    burst_s INTEGER NOT NULL DEFAULT 0 CHECK (burst_s BETWEEN 0 AND 60)
) STRICT;

-- What a collar said last about itself: its newest health frame by (boot, seq), not by arrival, because a
-- backlog drains newest first. Written with the frame; no foreign key, like the log. `ident`: as in frame.
-- `told` is what its flags say of the settings block it has: number modulo 16.
CREATE TABLE collar_health (
    device INTEGER PRIMARY KEY,
    ident INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    told INTEGER NOT NULL CHECK (told BETWEEN 0 AND 15),
    records BLOB NOT NULL
) STRICT;
