-- Up to where each partition of Kafka is saved: written with the batch, so a restored database knows its own place, and the
-- offsets that Kafka keeps are only believed where they are not ahead of it.

CREATE TABLE positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    offset_ bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

INSERT INTO positions (topic, partition, offset_)
SELECT topic, partition, max(kafka_offset) + 1 FROM inbox
WHERE topic IS NOT NULL AND partition IS NOT NULL AND kafka_offset IS NOT NULL GROUP BY topic, partition;

-- What another service had published after the backup that the database was restored from: it decides that anew.
CREATE TABLE voids (
    topic text NOT NULL,
    partition integer NOT NULL,
    from_ bigint NOT NULL,
    to_ bigint NOT NULL,
    PRIMARY KEY (topic, partition, from_)
);
