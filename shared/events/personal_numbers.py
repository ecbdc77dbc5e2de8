"""
Find card and identity card numbers where none may stand: in reasons, notes and ids of events. Pure.

Looked for, also with full-width digits and in the usual groups of digits: a payment card of 13 to 19 digits that
passes Luhn, and a Chinese identity card of 18 characters with its birth date and check digit. In ids, which in many
banks are long numbers themselves, a card must also begin as one of a card scheme does and have its length: of plain
numbers every tenth passes Luhn. Identifiers.personal() is stricter; it says what may be a customer's id at all.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from unicodedata import normalize

import msgspec

from shared.events.envelope import Fact
from shared.events.identifiers import id_card, luhn

_MAYBE = re.compile(rb"[0-9][0-9 .\-]{12}")
_MAYBE_TEXT = re.compile(r"[0-9][0-9 .\-]{12}|[\uff10-\uff19]")
_WIDE = b"\xef\xbc"
"""What all of them contain, in UTF-8: a quick look at the bytes spares nearly every event the walk."""
_OURS = re.compile(
    r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"
    r"|\b(?=[0-9a-f]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{16})\b"
)
"""UUIDs and digests: their digits mean nothing."""
_CARD = re.compile(
    r"(?<!\d)(?:\d{13,19}|\d{4}(?:[ .\-]\d{4}){2,3}(?:[ .\-]\d{1,4})?|\d{4}[ .\-]\d{6}[ .\-]\d{4,5})(?!\d)"
)
_ID_CARD = re.compile(
    r"(?<!\d)[1-9]\d{5}[ \-]?(?:19|20)\d{2}[ \-]?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ \-]?\d{3}[\dXx](?![\dA-Za-z])"
)
_SCHEMES = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}|9558\d{12,15}"
)
_SHORTEST, _LONGEST = 13, 19
_PHONES = frozenset({"mobile", "landline"})
_LONGEST_PHONE = 15
CARD = "holds a payment card number"
ID_CARD = "holds an identity card number"


def number_in(text: str, *, identifier: bool = False) -> str:
    """Say what *text* holds ("holds a payment card number"), or ""; *identifier*: it is one, judged by card schemes."""
    plain = _OURS.sub(" ", normalize("NFKC", text))
    for found in _ID_CARD.finditer(plain):
        if id_card(re.sub(r"[ \-]", "", found[0])):
            return ID_CARD
    for found in _CARD.finditer(plain):
        digits = re.sub(r"\D", "", found[0])
        if (
            _SHORTEST <= len(digits) <= _LONGEST
            and luhn(digits)
            and (not identifier or _SCHEMES.fullmatch(digits))
        ):
            return CARD
    return ""


def refused_field(payload: bytes, attributes: Iterable[tuple[str, str]] = ()) -> tuple[str, str]:
    """
    Answer the path of the first text that holds such a number and what it holds, or two empty texts.

    *payload* is the event's data as JSON that we wrote, without contact values; amounts are no texts.
    *attributes* are those of the envelope, which are ids.
    """
    if _MAYBE.search(payload) or _WIDE in payload:
        for path, text, identifier in _texts(msgspec.json.decode(payload), "data"):
            if held := number_in(text, identifier=identifier):
                return path, held
    for name, text in attributes:
        if _MAYBE_TEXT.search(text) and (held := number_in(text, identifier=True)):
            return name, held
    return "", ""


def refused_value(kind: str, value: str) -> str:
    """Say what a contact value holds that is not its own kind, or "": a telephone number has up to 15 digits.

    A sealed value is judged when it is opened.
    """
    if value.startswith("enc:") or not _MAYBE_TEXT.search(value):
        return ""
    if kind in _PHONES and sum(map(str.isdigit, value)) <= _LONGEST_PHONE:
        return ""
    return number_in(value)


def refused_fact(data: Fact, attributes: Iterable[tuple[str, str]] = ()) -> tuple[str, str]:
    """Answer as refused_field() does, for an event that is not written yet; its contact values must be taken out."""
    return refused_field(msgspec.json.encode(data), attributes)


def _texts(value: Any, path: str, *, identifier: bool = False) -> Iterator[tuple[str, str, bool]]:
    match value:
        case str():
            yield path, value, identifier
        case dict():
            for key, inner in value.items():
                name = str(key)
                yield from _texts(
                    inner, f"{path}.{name}", identifier=name.endswith(("_id", "_ids"))
                )
        case list():
            for index, inner in enumerate(value):
                yield from _texts(inner, f"{path}[{index}]", identifier=identifier)
        case _:
            return
