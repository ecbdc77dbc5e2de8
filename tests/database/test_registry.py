"""The registry of data classes names every column that the migrated schemas hold, and nothing more; its page agrees."""

from pathlib import Path

import msgspec

from shared.events.core_banking import CustomerUpdated
from shared.events.registry import SERVICES
from shared.privacy.masks import BY_KIND, MASKS
from shared.privacy.owner import owner_engine
from shared.privacy.page import page
from shared.privacy.registry import CUSTOMER_UPDATED, TABLES, columns_of
from tests.database.support import Database

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "data-classes.md"


async def test_every_column_is_in_the_registry_and_nothing_more(database):
    engine = owner_engine(database)
    found = {
        tuple(row)
        for row in await Database(engine).rows(
            """
            SELECT nspname, relname, attname FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = ANY(:schemas) AND relkind IN ('r', 'p') AND NOT relispartition
                AND attnum > 0 AND NOT attisdropped
            """,
            schemas=[*SERVICES, "vault"],
        )
    }
    schemas = {
        row[0]
        for row in await Database(engine).rows(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public$)'"
        )
    }
    await engine.dispose()
    assert schemas == {*SERVICES, "vault"}
    said = set(columns_of(SERVICES))
    mend = "class each of them in shared/privacy/registry.py, and run python -m shared.privacy.page"
    assert (sorted(found - said), sorted(said - found)) == ([], []), mend


def test_every_field_of_customer_updated_is_in_the_registry():
    assert {column.name for column in CUSTOMER_UPDATED} == set(_fields(CustomerUpdated, ""))


def _fields(model, prefix):
    inner = {"jurisdiction": 0, "contact_points": 0}
    for field in msgspec.structs.fields(model):
        name = f"{prefix}{field.name}"
        if field.name in inner:
            of = getattr(field.type, "__args__", (field.type,))[0]
            yield from _fields(of, f"{name}.")
        else:
            yield name


def test_the_page_is_made_from_the_registry():
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run python -m shared.privacy.page > docs/reference/data-classes.md"
    )


def test_a_personal_value_that_stands_in_a_column_of_its_own_is_encrypted():
    columns = [(table.name, column) for table in TABLES for column in table.columns]
    assert {f"{table}.{c.name}" for table, c in columns if c.encryption != "none"} == {
        "inbox.payload_digest", "parked.payload_digest", "quarantine.sealed", "points.value",
        "points.lookup", "holders.lookup", "keys.wrapped", "effects.made",
    }  # fmt: skip
    assert {c.mask for _, c in columns} <= {"", "by kind", *MASKS}
    assert {c.data_class for _, c in columns} == {"C2", "C1", "none"}
    assert set(BY_KIND) == {"mobile", "landline", "email", "wechat", "postal"}
