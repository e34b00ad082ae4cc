-- What animals did. Minutes count from 1970, UTC, and are kept for two days of the animal's own time; hours stay.
-- No foreign key on minutes: they are written with the hour that has one, and this is a hot path.
-- `behaviour` is the index in herdcore's BEHAVIOURS, `confidence` and `lying` are percent; lying -1: not known.
CREATE TABLE behaviour_minute (
    animal_id INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    behaviour INTEGER NOT NULL,
    confidence INTEGER NOT NULL CHECK (confidence BETWEEN 0 AND 100),
    lying INTEGER NOT NULL CHECK (lying BETWEEN -1 AND 100),
    PRIMARY KEY (animal_id, minute)
) STRICT, WITHOUT ROWID;

-- Minutes of each behaviour, of all together, and the summed confidence of those that are not unknown.
-- `lying` of the `posture` minutes whose posture is known were spent lying.
CREATE TABLE behaviour_hour (
    farm_id INTEGER NOT NULL REFERENCES farm (id),
    animal_id INTEGER NOT NULL REFERENCES animal (id),
    hour_ms INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    rest INTEGER NOT NULL,
    ruminate INTEGER NOT NULL,
    graze INTEGER NOT NULL,
    walk INTEGER NOT NULL,
    other INTEGER NOT NULL,
    minutes INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 60),
    confidence_sum INTEGER NOT NULL,
    lying INTEGER NOT NULL,
    posture INTEGER NOT NULL,
    PRIMARY KEY (animal_id, hour_ms)
) STRICT, WITHOUT ROWID;
