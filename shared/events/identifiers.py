"""Recognise customer ids that are personal data: keys of topics, rows and logs must not hold any."""

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import normalize

CHUNK = re.compile(r"(?<![^\W_])(?:\+|[A-Za-z]{1,4})?\d(?:[ .()\-]*\d)*[Xx]?(?![^\W_])")
"""Digits that stand for themselves: separators between them, a country's plus or a short prefix before."""
UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
MAYBE = re.compile(r"\+|(?:\d[ .()\-]*){11}")
"""What every number below contains; most ids do not."""
MOBILE = re.compile(r"(?:\+|00)?(?:86)?1[3-9]\d{9}")
INTERNATIONAL = re.compile(r"\+\d{8,15}")
CARD = re.compile(r"\d{13,19}")
ID_CARD = re.compile(r"\d{17}[\dXx]")
ID_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CARD_CHECKS = "10X98765432"


@lru_cache(maxsize=512)
def personal(customer_id: str) -> str | None:
    """
    Say what *customer_id* looks like ("a telephone number"), or None if like no personal number.

    Recognised, alone or as a part between separators, grouped or not: a telephone number (Chinese
    mobile, or any with a leading plus), a Chinese identity card of 18 digits with its check digit,
    a payment card of 13 to 19 digits that passes Luhn.
    """
    if MAYBE.search(customer_id) is None or UUID.fullmatch(customer_id):
        return None
    plain = normalize("NFKC", customer_id)  # full-width digits are digits
    return next((kind for number in _numbers(plain) if (kind := _kind(number))), None)


def luhn(digits: str) -> bool:
    """Whether *digits* end in the check digit of payment cards."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  the sum of its two digits
    return total % 10 == 0


def id_card(number: str) -> bool:
    """Whether the 18 characters of *number* end in the check digit of Chinese identity cards."""
    total = sum(
        int(digit) * weight for digit, weight in zip(number[:17], ID_CARD_WEIGHTS, strict=True)
    )
    return ID_CARD_CHECKS[total % 11] == number[17].upper()


def _numbers(text: str) -> Iterator[str]:
    """Answer each chunk of digits, whole without its separators, and each of its parts."""
    for chunk in CHUNK.findall(text):
        yield re.sub(
            r"[^\dXx+]", "", chunk.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        )
        yield from re.findall(r"\d+[Xx]?", chunk)


def _kind(number: str) -> str | None:
    if MOBILE.fullmatch(number) or INTERNATIONAL.fullmatch(number):
        return "a telephone number"
    if ID_CARD.fullmatch(number) and id_card(number):
        return "an identity card number"
    if CARD.fullmatch(number) and luhn(number):
        return "a payment card number"
    return None
