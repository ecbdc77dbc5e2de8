"""Whether the tags of a text are true: what a disclosure must say, and what makes a claim, per language. Pure.

Judged is the source of a text, with its placeholders: `{{ creditor }}` is where the institution is named.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec


class Phrases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What the words of one language prove; regular expressions, case does not matter.

    `disclosures`: a text that bears the tag says something that matches each. `claims`: a text that says
    something that matches one bears the tag, and one that bears it says so.
    """

    language: str
    disclosures: Mapping[str, tuple[str, ...]]
    claims: Mapping[str, tuple[str, ...]]

    @property
    def tags(self) -> frozenset[str]:
        """All tags that can be judged in this language."""
        return frozenset({*self.disclosures, *self.claims})


def untrue(tags: Collection[str], source: str, phrases: Phrases) -> Iterator[str]:
    """Say, for each tag that the text does not bear out or that it lacks, what is wrong."""
    for tag in sorted(set(tags) - phrases.tags):
        yield f"tag {tag!r} is not known: {', '.join(sorted(phrases.tags))}"
    for tag, patterns in phrases.disclosures.items():
        missing = [pattern for pattern in patterns if not _found(pattern, source)]
        if tag in tags and missing:
            yield f"tag {tag!r} is not true: the text has nothing like {' and '.join(missing)}"
    for tag, patterns in phrases.claims.items():
        says = next(filter(None, (_found(pattern, source) for pattern in patterns)), None)
        if tag in tags and says is None:
            yield f"tag {tag!r} is not true: the text claims nothing of the kind"
        if tag not in tags and says is not None:
            yield f"tag {tag!r} is missing: the text says {says[0]!r}"


def _found(pattern: str, source: str) -> re.Match[Any] | None:
    return re.search(pattern, source, re.IGNORECASE | re.MULTILINE)
