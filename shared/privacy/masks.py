"""Show as much of a personal value as a person needs to recognise it, and no more. Pure."""

import re
from collections.abc import Callable, Mapping
from unicodedata import normalize

_STAR = "*"
_PLACE = re.compile(r"^[^\d]{2,12}?[市省]")
_LONG, _SHORT = 10, 7


def phone(value: str) -> str:
    """Answer 138****8888; a country's plus stays: +86138****8888. Of short numbers only the last two digits stay."""
    digits = re.sub(r"\D", "", normalize("NFKC", value))
    head = ""
    if value.strip().startswith("+86") and len(digits) > _LONG:
        head, digits = "+86", digits[2:]
    elif value.strip().startswith("+"):
        head = "+"
    if len(digits) >= _LONG:
        return f"{head}{digits[:3]}{_STAR * (len(digits) - 7)}{digits[-4:]}"
    if len(digits) >= _SHORT:
        return f"{head}{_STAR * (len(digits) - 2)}{digits[-2:]}"
    return _STAR * 4


def id_card(value: str) -> str:
    """Answer the first six and the last character of an identity card number: 310101***********X."""
    plain = normalize("NFKC", value).strip()
    return _between(plain, 6, 1) if len(plain) > _LONG else _STAR * 4


def card(value: str) -> str:
    """Answer the first six and the last four digits of a payment card, as PCI DSS allows at most."""
    digits = re.sub(r"\D", "", normalize("NFKC", value))
    return _between(digits, 6, 4) if len(digits) > 12 else _STAR * 4  # noqa: PLR2004  shorter is no card


def email(value: str) -> str:
    """Answer the first character before the @, and what stands behind it: l***@example.com."""
    name, at, host = value.strip().rpartition("@")
    return f"{name[:1]}***@{host}" if at and len(name) > 1 else f"***@{host}" if at else _STAR * 4


def wechat(value: str) -> str:
    """Answer the first character and the last: L***8."""
    plain = value.strip()
    return f"{plain[:1]}***{plain[-1:]}" if len(plain) > 3 else _STAR * 4  # noqa: PLR2004  else nothing is hidden


def address(value: str) -> str:
    """Answer the province or city of a Chinese address, and stars for the rest; of others stars only."""
    found = _PLACE.match(value.strip())
    return f"{found[0]}****" if found else _STAR * 4


def name(value: str) -> str:
    """Answer the first character of a name: 李**."""
    return f"{value.strip()[:1]}**"


MASKS: Mapping[str, Callable[[str], str]] = {
    "phone": phone,
    "id_card": id_card,
    "card": card,
    "email": email,
    "wechat": wechat,
    "address": address,
    "name": name,
}
"""Mask -> how it is done; the registry of data classes names them."""
BY_KIND: Mapping[str, Callable[[str], str]] = {
    "mobile": phone,
    "landline": phone,
    "email": email,
    "wechat": wechat,
    "postal": address,
}
"""Kind of a contact point -> its mask."""


def masked(kind: str, value: str) -> str:
    """Mask a contact point's value; a kind that has no mask is hidden whole."""
    mask = BY_KIND.get(kind)
    return mask(value) if mask else _STAR * 4


def _between(text: str, head: int, tail: int) -> str:
    return f"{text[:head]}{_STAR * (len(text) - head - tail)}{text[-tail:]}"
