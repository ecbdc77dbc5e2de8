"""Facts with all their instants in UTC, however deep they stand: one value then has one form, and equal facts equal bytes."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect
from msgspec.structs import replace

from shared.events.envelope import utc

Mend = Callable[[Any], Any]


@cache
def in_utc(model: type[msgspec.Struct]) -> Mend | None:
    """
    Answer what turns a value of *model* into its equal with every instant in UTC; None where it holds no instant.

    The same object comes back where nothing was to change. Raises OverflowError for an instant that has no day in UTC.
    Looks into fields, optional fields, lists, tuples and mappings of structs.
    """
    found = inspect.type_info(model)
    return _mend(found)


def _mend(of: inspect.Type) -> Mend | None:
    match of:
        case inspect.DateTimeType():
            return _instant
        case inspect.StructType(fields=fields):
            parts = {f.name: mend for f in fields if (mend := _mend(f.type)) is not None}
            return _struct(parts) if parts else None
        case inspect.VarTupleType(item_type=item):
            return _items(item, tuple)
        case inspect.ListType(item_type=item):
            return _items(item, list)
        case inspect.DictType(value_type=item):
            return _values(item)
        case inspect.UnionType(types=types):
            mends = [mend for type_ in types if (mend := _mend(type_)) is not None]
            return _optional(mends[0]) if mends else None
        case _:
            return None


def _instant(value: datetime) -> datetime:
    return value if value.tzinfo is UTC else utc(value)


def _optional(mend: Mend) -> Mend:
    return lambda value: None if value is None else mend(value)


def _struct(parts: dict[str, Mend]) -> Mend:
    def mend(value: msgspec.Struct) -> msgspec.Struct:
        changed = {}
        for name, part in parts.items():
            before = getattr(value, name)
            after = part(before)
            if after is not before:
                changed[name] = after
        return replace(value, **changed) if changed else value

    return mend


def _items(item: inspect.Type, make: Callable[[Any], Any]) -> Mend | None:
    part = _mend(item)
    if part is None:
        return None

    def mend(values: Any) -> Any:
        after = make(part(value) for value in values)
        return values if all(map(_same, values, after)) else after

    return mend


def _values(item: inspect.Type) -> Mend | None:
    part = _mend(item)
    if part is None:
        return None

    def mend(values: dict[Any, Any]) -> dict[Any, Any]:
        after = {key: part(value) for key, value in values.items()}
        return values if all(map(_same, values.values(), after.values())) else after

    return mend


def _same(one: Any, other: Any) -> bool:
    return one is other
