-- Messages and the inbox are made anew, because what they held in clear must not stay in the file: a wamid
-- holds the phone number in base64. `sealing.convert_to_6` fills them from *_before, in this transaction.
-- Deleted rows are written over.
PRAGMA defer_foreign_keys = ON;

ALTER TABLE person ADD COLUMN user_id BLOB;                   -- sealed: Meta's business-scoped id
ALTER TABLE person ADD COLUMN user_index BLOB;                -- blind, like phone_index
ALTER TABLE person ADD COLUMN last_inbound_ms INTEGER;
ALTER TABLE person ADD COLUMN doubt TEXT NOT NULL DEFAULT '' CHECK (doubt IN ('', 'silent', 'changed'));
ALTER TABLE person ADD COLUMN fewer INTEGER NOT NULL DEFAULT 0 CHECK (fewer IN (0, 1));
CREATE UNIQUE INDEX person_of_user ON person (user_index);
ALTER TABLE role ADD COLUMN rung INTEGER NOT NULL DEFAULT 0 CHECK (rung BETWEEN 0 AND 9);
CREATE INDEX role_of_person ON role (person_id);
ALTER TABLE farm ADD COLUMN escalate_min TEXT NOT NULL DEFAULT '15,30'; -- minutes; '' never

CREATE INDEX judgement_at ON judgement (at_ms);

-- The outbox. `state` only rises in rank, but for a retry (ports.py, RANK).
CREATE TABLE message_before AS SELECT * FROM message;
DROP TABLE message;
CREATE TABLE message (
    id TEXT PRIMARY KEY,
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    person_id INTEGER NOT NULL REFERENCES person (id),
    event_id TEXT REFERENCES event (id),
    step TEXT NOT NULL,
    body TEXT NOT NULL,                     -- JSON; '{}' once it is forgotten
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    critical INTEGER NOT NULL CHECK (critical IN (0, 1)),
    state TEXT NOT NULL,
    state_ms INTEGER NOT NULL,              -- when it took this state
    not_before_ms INTEGER NOT NULL,         -- when the next attempt may be made
    held_until_ms INTEGER NOT NULL,         -- what the message itself asks for, 0 if nothing
    first_ms INTEGER,                       -- when the first attempt was made
    attempts INTEGER NOT NULL DEFAULT 0,
    repeat INTEGER NOT NULL DEFAULT 0 CHECK (repeat IN (0, 1)),
    channel TEXT NOT NULL CHECK (channel IN ('whatsapp', 'second')),
    wamid_index BLOB,                       -- blind: Meta's id
    error TEXT,
    market TEXT,                            -- this and the next two: as Meta priced it
    pricing_category TEXT,
    pricing_type TEXT
) STRICT;
CREATE INDEX message_of_farm ON message (farm_id, created_ms);
CREATE INDEX message_of_person ON message (person_id);
CREATE INDEX message_of_wamid ON message (wamid_index) WHERE wamid_index IS NOT NULL;
CREATE INDEX message_in_state ON message (state, state_ms);
-- What a claim asks; each row is read only if it is claimed or expires.
CREATE INDEX message_due ON message (channel, critical, not_before_ms, id) WHERE state = 'queued';
CREATE INDEX message_waiting ON message (expires_ms) WHERE state = 'queued';
CREATE INDEX message_undelivered ON message (expires_ms)
    WHERE critical = 1 AND channel = 'whatsapp' AND state NOT IN ('delivered', 'read');
CREATE INDEX message_priced ON message (first_ms) WHERE pricing_category IS NOT NULL;
CREATE INDEX message_with_body ON message (created_ms) WHERE body <> '{}';

-- Every status that came in, also those that changed nothing; attempts of one second are told apart by wamid.
CREATE TABLE status_before AS SELECT * FROM status;
DROP TABLE status;
CREATE TABLE status (
    message_id TEXT NOT NULL REFERENCES message (id),
    state TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    wamid_index BLOB NOT NULL,              -- blind; empty without one
    PRIMARY KEY (message_id, state, at_ms, wamid_index)
) STRICT, WITHOUT ROWID;
INSERT INTO status SELECT message_id, state, at_ms, x'' FROM status_before;
DROP TABLE status_before;
CREATE INDEX status_at ON status (at_ms);

-- What webhooks brought. `item` is sealed, with its key in it, and empty once it is done.
CREATE TABLE inbox_before AS SELECT * FROM inbox;
DROP TABLE inbox;
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,               -- blind
    item BLOB NOT NULL,
    put_ms INTEGER NOT NULL,
    done_ms INTEGER,
    error TEXT
) STRICT;
CREATE INDEX inbox_open ON inbox (id) WHERE done_ms IS NULL;
CREATE INDEX inbox_done ON inbox (put_ms) WHERE done_ms IS NOT NULL;

-- Who wants to hear nothing: of an animal (NULL: of any), of a kind ('': of any).
CREATE TABLE mute (
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    person_id INTEGER NOT NULL REFERENCES person (id),
    animal_id INTEGER REFERENCES animal (id),
    kind TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX mute_of_farm ON mute (farm_id, person_id, coalesce(animal_id, 0), kind);

-- Where the second channel reaches a person.
CREATE TABLE address (
    id INTEGER PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES person (id),
    url BLOB NOT NULL                       -- sealed
) STRICT;
CREATE INDEX address_of_person ON address (person_id);

-- What Meta said last of a template, and of our account.
CREATE TABLE template_state (
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    status TEXT NOT NULL,
    category TEXT NOT NULL,
    quality TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (name, language)
) STRICT, WITHOUT ROWID;
CREATE TABLE account_note (
    at_ms INTEGER NOT NULL,
    field TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (at_ms, field, text)
) STRICT, WITHOUT ROWID;
