"""Find a customer's partition as Kafka's Java clients do (murmur2), and whether an id may be a key at all."""

import re
from functools import lru_cache

from shared.events.identifiers import personal

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Answer Kafka's murmur2 hash of *data* as an unsigned 32-bit number."""
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = (int.from_bytes(data[i : i + 4], "little") * _M) & _MASK
        k = ((k ^ (k >> 24)) * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    if length > whole:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=100_000)
def _hash_of(customer_id: str) -> int:
    return murmur2(customer_id.encode()) & 0x7FFFFFFF


def partition_of(customer_id: str, partitions: int) -> int:
    """Answer where the records of *customer_id* belong among so many *partitions*."""
    return _hash_of(customer_id) % partitions


@lru_cache(maxsize=100_000)
def customer_of(key: bytes) -> tuple[str, str]:
    """
    Answer the customer id in a record's key, and why it must not be used ("" when it may be).

    An id that is personal data itself must not stand in keys, tables and logs.
    """
    try:
        customer_id = key.decode()
    except UnicodeDecodeError:
        return "", "is not UTF-8"
    if not 1 <= len(customer_id) <= 128 or CONTROL.search(customer_id):  # noqa: PLR2004
        return "", "must be 1 to 128 printable characters"
    if kind := personal(customer_id):
        return "", f"looks like {kind}"
    return customer_id, ""
