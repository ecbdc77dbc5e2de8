"""The places that ciphertexts are bound to: (table, column, row). Never changed: what is sealed there would not open."""

from collections.abc import Iterable


def row_of(customer_id: str, point_id: str) -> tuple[str, str, str]:
    """Name the place of a contact point's value."""
    return "points", "value", f"{customer_id}\x1f{point_id}"


def quarantine_place(identity: Iterable[object]) -> tuple[str, str, str]:
    """Name the place of a quarantined record: topic, partition, offset, customer_id and event_key tell which."""
    return "quarantine", "sealed", "/".join(map(str, identity))
