-- The customers' data keys, one table for all services: whoever migrates first makes it.

CREATE SCHEMA IF NOT EXISTS vault;

-- `wrapped` is the customer's key under the master key whose id is `master`. Without it the customer was forgotten:
-- the row stays, so that nobody makes a new key.
CREATE TABLE IF NOT EXISTS vault.keys (
    customer_id text PRIMARY KEY,
    wrapped bytea,
    master integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    forgotten_at timestamptz,
    CHECK ((wrapped IS NULL) = (forgotten_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (master IS NULL))
);

CREATE INDEX IF NOT EXISTS keys_master ON vault.keys (master, customer_id);
