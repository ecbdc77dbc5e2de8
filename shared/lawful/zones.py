"""Which of the zones that a record names are zones."""

from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=4096)
def existing(names: tuple[str, ...]) -> tuple[str, ...]:
    """Answer those names that are zones."""
    return tuple(name for name in names if _is_zone(name))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
