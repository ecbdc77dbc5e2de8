-- The vault: owned by the notifier, read by whoever prepares an effect.

CREATE SCHEMA IF NOT EXISTS vault;

CREATE TABLE vault.points (
    customer_id text NOT NULL,
    point_id text NOT NULL,
    kind text NOT NULL,
    value bytea NOT NULL,
    time timestamptz NOT NULL,
    event_id text NOT NULL,
    PRIMARY KEY (customer_id, point_id)
);
