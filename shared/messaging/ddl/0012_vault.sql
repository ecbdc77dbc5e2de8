-- Values are found by the keyed hash of their normal form; rows of before have none until they are told again.

ALTER TABLE vault.points ADD COLUMN lookup bytea;

CREATE INDEX points_lookup ON vault.points (lookup);
