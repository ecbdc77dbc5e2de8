-- The runtime's tables, the same in every service's schema. Names without a schema: the search path says which.

-- States up to 8 KB stay in the row, uncompressed: compressing each at every save costs more than the space.
CREATE TABLE cases (
    customer_id text PRIMARY KEY,
    partition integer NOT NULL,
    stage text NOT NULL,
    state jsonb NOT NULL,
    state_version integer NOT NULL,
    case_seq bigint NOT NULL DEFAULT 0,
    last_now timestamptz NOT NULL DEFAULT 'epoch',
    wake_at timestamptz,
    parked_by text[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 85, toast_tuple_target = 8000);

-- A parked case is never due: parked debtors must not make each look at the agenda longer.
CREATE INDEX cases_due ON cases (partition, wake_at) WHERE wake_at IS NOT NULL AND parked_by = '{}';
CREATE INDEX cases_stage ON cases (stage, customer_id);
CREATE INDEX cases_parked ON cases (customer_id) WHERE parked_by <> '{}';

CREATE TABLE inbox (
    month date NOT NULL,
    event_key uuid NOT NULL,
    customer_id text NOT NULL,
    case_seq bigint NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    dataschema text NOT NULL,
    time timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    now timestamptz NOT NULL,
    payload json NOT NULL,
    payload_digest bytea NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    policy_digest text NOT NULL,
    code_version text NOT NULL,
    causationid text NOT NULL,
    correlationid text NOT NULL,
    traceparent text NOT NULL,
    PRIMARY KEY (month, event_key)
) PARTITION BY LIST (month);

CREATE INDEX inbox_case ON inbox (customer_id, case_seq);

-- Columns in the meaning of Debezium's outbox router. The partition is set for control records, which have no key.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    time timestamptz NOT NULL,
    partition integer,
    causationid text NOT NULL,
    correlationid text NOT NULL,
    traceparent text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE effects (
    effect_id text PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    customer_id text NOT NULL,
    partition integer NOT NULL,
    kind text NOT NULL,
    request jsonb NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    withdrawn boolean NOT NULL DEFAULT false,
    claimed_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE INDEX effects_due ON effects (partition, not_before) WHERE status = 'pending';
CREATE INDEX effects_sending ON effects (partition) WHERE status = 'sending';
CREATE INDEX effects_customer ON effects (customer_id, seq);

-- `sealed` holds key, headers and value, encrypted: nobody knows what a broken record holds.
CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    customer_id text NOT NULL,
    event_key text NOT NULL,
    type text NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    code_version text NOT NULL,
    sealed bytea NOT NULL,
    at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'waiting',
    UNIQUE (topic, partition, kafka_offset, customer_id, event_key)
);

CREATE INDEX quarantine_customer ON quarantine (customer_id, id);

-- What waits behind a parked customer, in order. A row without payload is a quarantined record itself.
CREATE TABLE parked (
    customer_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event_key text NOT NULL,
    quarantine_id bigint,
    envelope json,
    payload_digest bytea,
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, seq),
    UNIQUE (customer_id, event_key)
);

CREATE TABLE progress (
    partition integer PRIMARY KEY,
    offset_ bigint NOT NULL
);

CREATE TABLE policies (
    digest text PRIMARY KEY,
    content text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
