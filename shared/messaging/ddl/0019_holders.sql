-- In whose files a number stands: files() says which record of a customer counts, holders() how many share a number and in which
-- place (0 is the oldest), as the customers' cases were last told.

CREATE TABLE vault.files (
    customer_id text PRIMARY KEY,
    time timestamptz NOT NULL,
    event_id text NOT NULL
);

CREATE TABLE vault.holders (
    customer_id text NOT NULL,
    point_id text NOT NULL,
    lookup bytea NOT NULL,
    since timestamptz NOT NULL,
    k integer NOT NULL DEFAULT 1,
    rank integer NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, point_id)
);

CREATE INDEX holders_lookup ON vault.holders (lookup);

INSERT INTO vault.files
SELECT DISTINCT ON (customer_id) customer_id, time, event_id FROM vault.points
ORDER BY customer_id, time DESC, event_id DESC;

INSERT INTO vault.holders (customer_id, point_id, lookup, since)
SELECT points.customer_id, point_id, lookup, points.time FROM vault.points JOIN vault.files USING (customer_id, time, event_id)
WHERE lookup IS NOT NULL AND kind <> 'postal';
