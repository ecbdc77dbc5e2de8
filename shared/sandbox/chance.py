"""Draw numbers that look random and are not: the same words give the same numbers on every machine."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
_BYTES = 8


class Draws:
    """A stream of numbers that follows from *words* alone (BLAKE2b over a counter)."""

    def __init__(self, *words: str | int) -> None:
        self._numbers = _numbers("\n".join(map(str, words)).encode())

    def share(self) -> float:
        """Draw a number from 0 (included) to 1 (excluded)."""
        return next(self._numbers)

    def within(self, least: int, most: int) -> int:
        """Draw a whole number between two that are both included."""
        return least + int(self.share() * (most - least + 1))

    def one_of(self, shares: Mapping[T, float]) -> T:
        """Draw one of the keys by their shares, which add up to 1."""
        left = self.share()
        for key, share in shares.items():
            left -= share
            if left < 0:
                return key
        return key


def _numbers(key: bytes) -> Iterator[float]:
    counter = 0
    while True:
        block = blake2b(counter.to_bytes(4, "big") + key, digest_size=64).digest()
        for start in range(0, len(block), _BYTES):
            # 53 bits are what a float holds: more could be rounded up to 1.
            yield (int.from_bytes(block[start : start + _BYTES], "big") >> 11) * 2.0**-53
        counter += 1
