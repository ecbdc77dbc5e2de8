-- Looking through the quarantine: failures that read alike but for their numbers have one fingerprint.

ALTER TABLE quarantine ADD COLUMN fingerprint text NOT NULL GENERATED ALWAYS AS
    (left(md5(reason || '/' || type || '/' || regexp_replace(error, '[0-9]+', '#', 'g')), 12)) STORED;
CREATE INDEX quarantine_status ON quarantine (status, id);
CREATE INDEX quarantine_group ON quarantine (fingerprint, customer_id) WHERE status = 'waiting';
CREATE INDEX parked_quarantined ON parked (quarantine_id) WHERE quarantine_id IS NOT NULL;
