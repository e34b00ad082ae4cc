-- Times are UTC milliseconds (_ms). Rows of a farm carry its id, so that every query can be scoped by it.

CREATE TABLE farm (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    language TEXT NOT NULL,
    quiet_from_min INTEGER CHECK (quiet_from_min BETWEEN 0 AND 1439),
    quiet_to_min INTEGER CHECK (quiet_to_min BETWEEN 0 AND 1439),
    root BLOB NOT NULL                      -- sealed
) STRICT;

CREATE TABLE animal (
    id INTEGER PRIMARY KEY,
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (farm_id, number)
) STRICT;

CREATE TABLE collar (
    device INTEGER PRIMARY KEY CHECK (device BETWEEN 0 AND 4294967295),
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    epoch INTEGER NOT NULL CHECK (epoch BETWEEN 0 AND 127)
) STRICT;

-- Who wore which collar from when until when; `to_ms` is NULL while it lasts and exclusive afterwards.
CREATE TABLE assignment (
    device INTEGER NOT NULL REFERENCES collar (device),
    from_ms INTEGER NOT NULL,
    to_ms INTEGER CHECK (to_ms > from_ms),
    animal_id INTEGER NOT NULL REFERENCES animal (id),
    PRIMARY KEY (device, from_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_of_animal ON assignment (animal_id, from_ms);

CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    phone_index BLOB NOT NULL UNIQUE,       -- blind: found by a keyed hash
    phone BLOB NOT NULL,                    -- sealed
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    zone TEXT NOT NULL,
    opted_out_ms INTEGER                    -- when the person last asked for silence; NULL without
) STRICT;

CREATE TABLE role (
    id INTEGER PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES person (id),
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'worker', 'vet', 'technician')),
    consent_ms INTEGER NOT NULL,
    consent_text TEXT NOT NULL,             -- version of the text that was agreed to
    UNIQUE (farm_id, person_id)
) STRICT;

-- The log. No foreign keys: collars and farms are checked before a frame gets here, and this is the hot path.
-- ident = (device - 2^31) << 32 | boot << 16 | seq: the identity of a frame as one signed integer, one index.
-- cursor is never used twice, because the newest row is never deleted.
CREATE TABLE frame (
    cursor INTEGER PRIMARY KEY,
    ident INTEGER NOT NULL UNIQUE,
    "partition" INTEGER NOT NULL,
    farm_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    up_s INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    records BLOB NOT NULL
) STRICT;
CREATE INDEX frame_of_partition ON frame ("partition");

-- Identities of frames that were trimmed away, as ranges: sent again, they must not become new data.
CREATE TABLE trimmed (
    low INTEGER PRIMARY KEY,
    high INTEGER NOT NULL CHECK (high >= low)
) STRICT;

CREATE TABLE cursor (
    "partition" INTEGER PRIMARY KEY,
    token INTEGER NOT NULL,
    cursor INTEGER NOT NULL
) STRICT;

CREATE TABLE scorer_state (
    animal_id INTEGER NOT NULL REFERENCES animal (id),
    scorer TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (animal_id, scorer)
) STRICT;
CREATE INDEX scorer_state_of_partition ON scorer_state ("partition");

CREATE TABLE event (
    id TEXT PRIMARY KEY,
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    animal_id INTEGER NOT NULL REFERENCES animal (id),
    kind TEXT NOT NULL,
    onset_ms INTEGER NOT NULL,
    detected_ms INTEGER NOT NULL,
    evidence TEXT NOT NULL                  -- JSON
) STRICT;
CREATE INDEX event_of_farm ON event (farm_id, onset_ms);

-- The outbox. `state` only rises in rank, but for a retry (ports.py, RANK).
CREATE TABLE message (
    id TEXT PRIMARY KEY,
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    person_id INTEGER NOT NULL REFERENCES person (id),
    event_id TEXT REFERENCES event (id),
    step TEXT NOT NULL,
    body TEXT NOT NULL,                     -- JSON
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    critical INTEGER NOT NULL CHECK (critical IN (0, 1)),
    state TEXT NOT NULL,
    state_ms INTEGER NOT NULL,              -- when it took this state
    not_before_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    repeat INTEGER NOT NULL DEFAULT 0 CHECK (repeat IN (0, 1)),
    wamid TEXT,
    error TEXT
) STRICT;
CREATE INDEX message_in_state ON message (state, not_before_ms);
CREATE INDEX message_of_wamid ON message (wamid) WHERE wamid IS NOT NULL;

-- Every status that came in, also those that changed nothing.
CREATE TABLE status (
    message_id TEXT NOT NULL REFERENCES message (id),
    state TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (message_id, state, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE judgement (
    event_id TEXT NOT NULL REFERENCES event (id),
    person_id INTEGER NOT NULL REFERENCES person (id),
    verdict TEXT NOT NULL CHECK (verdict IN ('acknowledged', 'snoozed', 'false_alarm')),
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (event_id, person_id, verdict)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    item TEXT NOT NULL,                     -- JSON
    put_ms INTEGER NOT NULL,
    done_ms INTEGER,
    error TEXT
) STRICT;
CREATE INDEX inbox_open ON inbox (id) WHERE done_ms IS NULL;

-- Appended to only: `chain` is a SHA-256 over the line before and this one.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,                   -- JSON
    chain BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_lines_stay BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'audit lines are never changed'); END;
CREATE TRIGGER audit_lines_are_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'audit lines are never deleted'); END;
