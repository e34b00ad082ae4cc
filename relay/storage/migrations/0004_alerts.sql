-- What the farmer records. A "due" lies ahead of when it was noted.
CREATE TABLE life_event (
    animal_id INTEGER NOT NULL REFERENCES animal (id),
    kind TEXT NOT NULL
        CHECK (kind IN ('calved', 'inseminated', 'dry', 'due', 'pregnant', 'sold', 'treated')),
    at_ms INTEGER NOT NULL,
    noted_ms INTEGER NOT NULL,
    PRIMARY KEY (animal_id, kind, at_ms)
) STRICT, WITHOUT ROWID;

ALTER TABLE animal ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
ALTER TABLE farm ADD COLUMN coverage TEXT NOT NULL DEFAULT 'always'
    CHECK (coverage IN ('always', 'barn', 'parlour', 'outages', 'stations'));
ALTER TABLE farm ADD COLUMN digest_min INTEGER NOT NULL DEFAULT 360 CHECK (digest_min BETWEEN 0 AND 1439);

CREATE TABLE kind_switch (
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    kind TEXT NOT NULL,
    is_on INTEGER NOT NULL CHECK (is_on IN (0, 1)),
    PRIMARY KEY (farm_id, kind)
) STRICT, WITHOUT ROWID;

-- Hours count from 1970, UTC, here and below.
CREATE TABLE weather (
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    hour INTEGER NOT NULL,
    temperature_c REAL NOT NULL,
    humidity_percent REAL NOT NULL CHECK (humidity_percent BETWEEN 0 AND 100),
    PRIMARY KEY (farm_id, hour)
) STRICT, WITHOUT ROWID;

-- One record an animal and hour, laid out by scoring/hours.py. No foreign key: a hot path.
CREATE TABLE hour_row (
    animal_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    "row" BLOB NOT NULL,
    PRIMARY KEY (animal_id, hour)
) STRICT, WITHOUT ROWID;

-- States of a farm's herd fold as they were when that hour began, and of an animal's scorers at UTC midnight:
-- what late data go back to. With rowids, because the states are large.
CREATE TABLE farm_state (
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    hour INTEGER NOT NULL,
    "partition" INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (farm_id, hour)
) STRICT;
CREATE INDEX farm_state_of_partition ON farm_state ("partition");

CREATE TABLE animal_snapshot (
    animal_id INTEGER NOT NULL REFERENCES animal (id),
    day INTEGER NOT NULL,
    scorer TEXT NOT NULL,
    version INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (animal_id, day, scorer)
) STRICT;

-- Events of the farm itself have no animal. The table is made anew, and messages and judgements point at it
-- meanwhile: their foreign keys are looked at when all of this is committed. Without the index, every message
-- would be read for every event, twice.
PRAGMA defer_foreign_keys = ON;
CREATE INDEX message_of_event ON message (event_id);
CREATE TABLE event_before AS SELECT * FROM event;
DROP TABLE event;
CREATE TABLE event (
    id TEXT PRIMARY KEY,
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    animal_id INTEGER REFERENCES animal (id),
    kind TEXT NOT NULL,
    onset_ms INTEGER NOT NULL,
    detected_ms INTEGER NOT NULL,
    evidence TEXT NOT NULL,                 -- JSON
    state TEXT NOT NULL CHECK (state IN ('open', 'over', 'withdrawn')),
    over_ms INTEGER,
    thread TEXT NOT NULL,                   -- the event it goes on from; '' for itself
    tier TEXT NOT NULL CHECK (tier IN ('urgent', 'timely', 'digest')),
    stage TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_farm ON event (farm_id, onset_ms);
CREATE INDEX event_of_farm_detected ON event (farm_id, detected_ms);
-- Without its end, what was found before counts as over: nobody tells its end any more.
INSERT INTO event
    SELECT id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence,
        'over', NULL, '', CASE kind WHEN 'no_movement' THEN 'urgent' ELSE 'timely' END, ''
    FROM event_before;
DROP TABLE event_before;
DROP INDEX message_of_event;

-- A judgement says why. Nothing points at this table.
CREATE TABLE judgement_before AS SELECT * FROM judgement;
DROP TABLE judgement;
CREATE TABLE judgement (
    event_id TEXT NOT NULL REFERENCES event (id),
    person_id INTEGER NOT NULL REFERENCES person (id),
    verdict TEXT NOT NULL CHECK (verdict IN ('acknowledged', 'snoozed', 'false_alarm', 'right', 'wrong')),
    reason TEXT NOT NULL CHECK (reason IN ('', 'mating_season', 'moved', 'vet_visit', 'collar', 'other')),
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (event_id, person_id, verdict)
) STRICT, WITHOUT ROWID;
INSERT INTO judgement SELECT event_id, person_id, verdict, '', at_ms FROM judgement_before;
DROP TABLE judgement_before;

-- not_before_ms is when the next attempt may be made; this is what the message itself asks for, 0 if nothing.
ALTER TABLE message ADD COLUMN held_until_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_of_farm ON message (farm_id, created_ms);
