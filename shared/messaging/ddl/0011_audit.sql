-- The audit trail: the acts of people, signed roots, and where a customer's chain begins after old months are gone.

-- Each row of the inbox holds the hash of its case's row before and of itself; the case holds the last. Rows that were
-- there before this migration have none: their cases' chains begin behind them (case_starts).
ALTER TABLE cases ADD COLUMN link bytea NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN link bytea NOT NULL DEFAULT '';
ALTER TABLE inbox ALTER COLUMN link DROP DEFAULT;

-- Which chains grew on a day: rows come in this order, so that the smallest of indexes will do.
CREATE INDEX inbox_received ON inbox USING brin (received_at) WITH (autosummarize = on);

-- What a person did that is no event. Chained per subject: a customer, or '' for the service as a whole.
CREATE TABLE acts (
    subject text NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    reason text NOT NULL,
    detail json NOT NULL,
    link bytea NOT NULL,
    PRIMARY KEY (subject, seq)
);

CREATE INDEX acts_at ON acts (at);

-- One row per UTC day: the Merkle root over the heads of all chains that grew that day, signed.
CREATE TABLE roots (
    day date PRIMARY KEY,
    leaves bigint NOT NULL,
    root bytea NOT NULL,
    previous bytea NOT NULL,
    signature bytea NOT NULL,
    key_id text NOT NULL,
    signed_at timestamptz NOT NULL
);

-- Where a customer's chain begins: case_seq and link of the last row that was dropped with its month, and the state
-- after it. Rows at and below that number which other months still hold are no longer a part of the chain.
CREATE TABLE case_starts (
    customer_id text PRIMARY KEY,
    case_seq bigint NOT NULL,
    link bytea NOT NULL,
    state jsonb NOT NULL,
    state_version integer NOT NULL,
    at timestamptz NOT NULL
);

INSERT INTO case_starts (customer_id, case_seq, link, state, state_version, at)
SELECT customer_id, case_seq, '', state, state_version, now() FROM cases;
