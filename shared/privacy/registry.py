"""
The one registry of data classes: every column of every table, and the fields of `customer.updated` on Kafka.

Classes are those of JR/T 0171-2020, Personal financial information protection technical specification: C3 would be
what proves who somebody is (passwords, card verification values): Arrears takes none in. C2 identifies a person or tells their
finances; C1 is the bank's own and of little harm; `none` says nothing about a person. tests/database/test_registry.py
compares with the migrated schemas; docs/reference/data-classes.md is made from this (shared/privacy/page.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

DataClass = Literal["C3", "C2", "C1", "none"]
Encryption = Literal["none", "sealed", "sealed per customer", "hash"]


@dataclass(frozen=True, slots=True)
class Column:
    """
    How one column (or field) is kept. `sealed`: under the master key; `sealed per customer`: under the customer's own,
    which forgetting destroys; `hash`: keyed, one way. `mask` names a function of shared/privacy/masks.py, by the kind of contact
    point for "by kind"; "" where no API answers the value.
    """

    name: str
    data_class: DataClass = "none"
    encryption: Encryption = "none"
    mask: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of every service's schema (`schema` ""), or of one schema; `retention` says how long rows stay."""

    name: str
    holds: str
    retention: str
    columns: tuple[Column, ...]
    schema: str = ""


def _many(
    names: str, data_class: DataClass = "none", encryption: Encryption = "none"
) -> tuple[Column, ...]:
    return tuple(Column(name, data_class, encryption) for name in names.split())


INBOX_MONTHS = 60
"""The months of inbox that are kept unless retention is told otherwise; never fewer than the shell needs for repeats."""
DONE_DAYS = 400
"""Days that effects which are over and quarantined records that were dealt with stay."""
_MONTHS = f"{INBOX_MONTHS} months by the event's time, then `arrears retention --run`"
_DONE = f"{DONE_DAYS} days after they are over, then `arrears retention --run`"
_LIFE = "as long as the case"
_EVER = "for ever: the proof"

TABLES: tuple[Table, ...] = (
    Table(
        "cases", "where each customer stands; point ids, no contact values", _LIFE,
        (*_many("customer_id region portfolio", "C1"), *_many("state stage", "C2"),
         *_many("partition state_version case_seq last_now wake_at parked_by cause link")),
    ),
    Table(
        "inbox", "every fact and tick, in the order of decision", _MONTHS,
        (*_many("customer_id source id", "C1"), *_many("payload type", "C2"), Column("payload_digest", "C2", "hash"),
         *_many("month event_key case_seq dataschema time received_at now topic partition kafka_offset policy_digest"
                " code_version causationid correlationid traceparent link")),
    ),
    Table(
        "outbox", "events on their way to Kafka", "until the broker has taken them",
        (*_many("aggregateid", "C1"), *_many("payload type", "C2"),
         *_many("id event_id aggregatetype time partition causationid correlationid traceparent written_at")),
    ),
    Table(
        "effects", "what leaves the system, by references", _DONE,
        (*_many("customer_id region", "C1"), *_many("request kind channel template", "C2"), Column("made", "C2", "hash"),
         *_many("effect_id seq partition not_before not_after status withdrawn cause claimed_at created_at updated_at provider")),
    ),
    Table(
        "quarantine", "records that cannot be decided, whatever they hold", _DONE,
        (*_many("customer_id", "C1"), Column("sealed", "C2", "sealed per customer"),
         *_many("id topic partition kafka_offset event_key type reason error fingerprint code_version at status")),
    ),
    Table(
        "parked", "events that wait behind a parked customer", "until released or discarded",
        (*_many("customer_id", "C1"), *_many("envelope", "C2"), Column("payload_digest", "C2", "hash"),
         *_many("seq event_key quarantine_id topic partition kafka_offset received_at")),
    ),
    Table(
        "onward", "facts that a service tells its own cases", "until they are decided",
        (*_many("customer_id", "C1"), *_many("event", "C2"), *_many("seq error written_at")),
    ),
    Table(
        "acts", "what people did that is no event", _EVER,
        (*_many("subject actor reason detail", "C1"), *_many("seq at act link")),
    ),
    Table("switch", "the row that every claim and every stop locks", "one row", _many("one")),
    Table(
        "stops", "what people or fuses hold back", _EVER,
        (*_many("region reason by resumed_by resume_reason", "C1"),
         *_many("stop_id kind channel template provider at cause departed allowed resumed_at norm_off_until")),
    ),
    Table("departures", "how many effects left in each hour", _EVER, _many("channel hour count")),
    Table(
        "mass_failure", "releases that failed for many customers", _EVER,
        (*_many("resumed_by resume_reason", "C1"),
         *_many("failure_id fingerprint code_version customers failed tried at resumed_at parks")),
    ),
    Table("roots", "the day's signed root of all chains", _EVER,
          _many("day leaves root previous signature key_id signed_at")),
    Table(
        "case_starts", "where a case begins after old months were dropped", _LIFE,
        (*_many("customer_id", "C1"), *_many("state", "C2"), *_many("case_seq link state_version at")),
    ),
    Table("progress", "how far core banking was considered", "one row a partition", _many("partition offset_ moved_at")),
    Table("positions", "how far Kafka was read", "one row a partition", _many("topic partition offset_")),
    Table("voids", "what a restored scheduler decides anew", "one row a restore", _many("topic partition from_ to_")),
    Table("policies", "the rules that decided", _EVER, _many("digest content written_at")),
    Table("alembic_version", "the schema's version", "one row", _many("version_num")),
    Table(
        "points", "contact values", "until replaced or forgotten",
        (*_many("customer_id", "C1"), Column("value", "C2", "sealed per customer", "by kind"),
         Column("lookup", "C2", "hash"), *_many("kind", "C1"), *_many("point_id time event_id")),
        schema="vault",
    ),
    Table("files", "which record of a customer counts", _LIFE, (*_many("customer_id", "C1"), *_many("time event_id")), schema="vault"),
    Table(
        "holders", "how many files a number stands in", "until replaced or forgotten",
        (*_many("customer_id", "C1"), Column("lookup", "C2", "hash"), *_many("point_id since k rank")),
        schema="vault",
    ),
    Table(
        "keys", "each customer's data key; an empty one says that the customer was forgotten", "for ever, emptied by forgetting",
        (*_many("customer_id", "C1"), Column("wrapped", "none", "sealed"), *_many("master created_at forgotten_at")),
        schema="vault",
    ),
)  # fmt: skip

CUSTOMER_UPDATED: tuple[Column, ...] = (
    *_many("customer_id language region risk_grade flags preferred_channel", "C1"),
    *_many("time_zones jurisdiction.country jurisdiction.state jurisdiction.city", "C1"),
    *_many("contact_points.point_id contact_points.kind contact_points.zones contact_points.party", "C1"),
    *_many("contact_points.obtained_via contact_points.place", "C1"),
    Column("contact_points.value", "C2", "sealed", "by kind"),
)  # fmt: skip
"""The fields of `customer.updated` on Kafka; the value is sealed by the publisher (ADR 0014)."""


def columns_of(services: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield (schema, table, column) of everything that the schemas of *services* and the vault must hold."""
    for table in TABLES:
        for schema in (table.schema,) if table.schema else services:
            for column in table.columns:
                yield schema, table.name, column.name
