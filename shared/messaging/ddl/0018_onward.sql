-- Facts that a service tells its own cases: written with what they follow from, decided in a transaction of their own.

CREATE TABLE onward (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL,
    event json NOT NULL,
    error text NOT NULL DEFAULT '',
    written_at timestamptz NOT NULL DEFAULT now()
);
