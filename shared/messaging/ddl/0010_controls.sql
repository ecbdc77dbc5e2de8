-- Stop switch, fuses, mass failures, and when core banking was last heard.

-- When the offset last advanced, by the service's clock: from this each service knows that core banking has gone quiet.
ALTER TABLE progress ADD COLUMN moved_at timestamptz;
UPDATE progress SET moved_at = now();
CREATE INDEX quarantine_waiting ON quarantine (reason) WHERE status = 'waiting';
