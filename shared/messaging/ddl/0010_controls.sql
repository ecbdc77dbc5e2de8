-- Stop switch, fuses, and mass failures. Names without a schema: the search path says which.

-- What a stop is matched with, derived from the effect itself; provider is whom it was claimed for.
-- Visit orders, letters of legal and filings have one template each, named as their kind.
ALTER TABLE effects ADD COLUMN channel text NOT NULL GENERATED ALWAYS AS (
    CASE split_part(kind, '.', 1) WHEN 'contact' THEN split_part(kind, '.', 2)
        WHEN 'legal' THEN split_part(kind, '.', 2) ELSE split_part(kind, '.', 1) END) STORED;
ALTER TABLE effects ADD COLUMN region text NOT NULL GENERATED ALWAYS AS (coalesce(request->>'region', '')) STORED;
ALTER TABLE effects ADD COLUMN template text NOT NULL GENERATED ALWAYS AS (coalesce(request->>'template', kind)) STORED;
ALTER TABLE effects ADD COLUMN provider text NOT NULL DEFAULT '';

-- One row. Every claim reads it FOR SHARE; who stops or resumes locks it alone.
CREATE TABLE switch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO switch DEFAULT VALUES;

-- An empty filter column matches everything. kind: person or fuse; a fuse names a channel alone.
CREATE TABLE stops (
    stop_id text PRIMARY KEY,
    kind text NOT NULL,
    channel text NOT NULL,
    region text NOT NULL,
    template text NOT NULL,
    provider text NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    cause text NOT NULL DEFAULT '',
    departed bigint NOT NULL DEFAULT 0,
    allowed bigint NOT NULL DEFAULT 0,
    resumed_at timestamptz,
    resumed_by text NOT NULL DEFAULT '',
    resume_reason text NOT NULL DEFAULT '',
    norm_off_until timestamptz
);

CREATE INDEX stops_standing ON stops (at) WHERE resumed_at IS NULL;
CREATE UNIQUE INDEX stops_fuse ON stops (channel) WHERE kind = 'fuse' AND resumed_at IS NULL;

-- How many effects were claimed in each hour (UTC); what is put back because it never left is taken off again.
CREATE TABLE departures (
    channel text NOT NULL,
    hour timestamptz NOT NULL,
    count bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, hour)
);

-- Stands until resumed, for this code_version alone. parks: the person said that it is bad data, not a bad release.
CREATE TABLE mass_failure (
    failure_id text PRIMARY KEY,
    fingerprint text NOT NULL,
    code_version text NOT NULL,
    customers bigint NOT NULL,
    failed bigint NOT NULL,
    tried bigint NOT NULL,
    at timestamptz NOT NULL,
    resumed_at timestamptz,
    resumed_by text NOT NULL DEFAULT '',
    resume_reason text NOT NULL DEFAULT '',
    parks boolean NOT NULL DEFAULT false
);

CREATE UNIQUE INDEX mass_failure_standing ON mass_failure (code_version) WHERE resumed_at IS NULL;

-- When the offset last advanced, by the service's clock: from this each service knows that core banking has gone quiet.
ALTER TABLE progress ADD COLUMN moved_at timestamptz;
UPDATE progress SET moved_at = now();
CREATE INDEX quarantine_waiting ON quarantine (reason) WHERE status = 'waiting';
