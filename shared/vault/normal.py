"""Write contact values in one form each, so that equal ones have equal hashes however they were typed. Pure."""

import re
from unicodedata import normalize

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    format_number,
    is_possible_number,
    parse,
)

PHONES = frozenset({"mobile", "landline"})


def normal(kind: str, value: str, country: str) -> str:
    """
    Answer kind and value in one form: telephone numbers as E.164 (*country*, ISO 3166-1, says what a number without a
    plus means), all else in NFKC, in lower case, with single spaces. Mobile and landline are one kind here.
    """
    plain = re.sub(r"\s+", " ", normalize("NFKC", value)).strip()
    if kind not in PHONES:
        return f"{kind}\x1f{plain.lower()}"
    try:
        number = parse(plain, country or None)
    except NumberParseException:
        if re.search(r"[^\W\d_]", plain):  # no number, but a token that stands for one
            return f"phone\x1f{plain.lower()}"
        return f"phone\x1f{re.sub(r'[^0-9+]', '', plain)}"
    if not is_possible_number(number):
        return f"phone\x1f{re.sub(r'[^0-9+]', '', plain)}"
    return f"phone\x1f{format_number(number, PhoneNumberFormat.E164)}"
