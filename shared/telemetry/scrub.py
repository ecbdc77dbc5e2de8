"""Blot out what looks like personal data in a text: the last net behind code that writes none. Pure."""

import re

from shared.events.identifiers import CHUNK, UUID, personal

BLOT = "[personal]"

_NUMBERS = re.compile(rf"{UUID.pattern}|{CHUNK.pattern}")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_WORTH_A_LOOK = re.compile(r"(?:\d[ .()\-]*){8}|@")
"""Most lines hold none of these: one pass, and they are left as they are."""


def scrub(text: str) -> str:
    """
    Answer *text* with telephone numbers (Chinese mobiles, any with a leading plus), Chinese identity numbers,
    Luhn-valid card numbers and e-mail addresses replaced.

    Names and addresses have no form to be known by: they must not be written in the first place.
    """
    if not _WORTH_A_LOOK.search(text):
        return text
    return _NUMBERS.sub(_blot, _MAIL.sub(BLOT, text))


def _blot(found: re.Match[str]) -> str:
    return BLOT if personal(found.group()) else found.group()
