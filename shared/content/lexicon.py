"""Judge free text by a lexicon: what it says that must not be said, and whether it can be judged at all. Pure.

Two lists at once. Patterns name what is forbidden, so that a person is told what to mend. And a text is sure
only if it is made of words that the lexicon knows, all of them words of service: what somebody else would
think of as a threat is mostly made of words that a bank does not need. Unsure is not sent.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from shared.content.normal import Normal, Script, View, undisguise

_LINK = re.compile(r"https?:|www\.|[a-z0-9-]{2,}\.[a-z]{2,}|@")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}:\d{2}")
_AMOUNT = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+")
_NUMBER = re.compile(r"(?:\d[ .\-]?){6,}\d|[零〇一二三四五六七八九幺]{7,}")
_LETTERS = re.compile(r"[a-z]+")
_HAN = re.compile(r"[^\W\da-z_]+")
LONGEST = 1000


class Sayings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bears a tag: regular expressions for `says`; what lies within a match of `harmless` does not count."""

    says: tuple[str, ...]
    harmless: tuple[str, ...] = ()


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    The file of one language. `forbidden` must never be said; `reserved` only by approved texts; `claims` may be
    said and are told to the gate. `doubtful`: by reason, what may be meant otherwise than it sounds, and makes a
    text unsure. `words`: all that a sure text is made of; `variants`: pairs of a traditional
    and a simplified character, where patterns need them.
    """

    language: str
    script: Script
    forbidden: Mapping[str, Sayings]
    reserved: Mapping[str, Sayings]
    claims: Mapping[str, Sayings]
    doubtful: Mapping[str, tuple[str, ...]]
    words: str
    variants: str = ""


class Span(msgspec.Struct, frozen=True, order=True):
    """From `start` to `end` (not included) the text bears `tag`."""

    start: int
    end: int
    tag: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a text says: `forbidden` and `reserved` tags, `claims` that the gate judges, and why it is `unsure`.

    `spans` show where; `may_be_sent` only if nothing is forbidden, reserved or unsure.
    """

    forbidden: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    unsure: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def tags(self) -> frozenset[str]:
        """All that was found."""
        return self.forbidden | self.reserved | self.claims

    @property
    def may_be_sent(self) -> bool:
        """Whether nothing speaks against it, and all of it could be judged."""
        return not (self.forbidden or self.reserved or self.unsure)


class _Compiled:
    def __init__(self, sayings: Sayings) -> None:
        self._says = [re.compile(pattern) for pattern in sayings.says]
        self._harmless = [re.compile(pattern) for pattern in sayings.harmless]

    def spans(self, normal: Normal) -> Iterator[tuple[int, int]]:
        lifted = list(_found(self._harmless, normal.sentences))
        for start, end in _found(self._says, normal.words):
            if not any(a <= start and end <= b for a, b in lifted):
                yield start, end


class Lexicon:
    """The compiled lexicon of one language; immutable. Raises ValueError for a pattern that is none."""

    def __init__(self, words: Words) -> None:
        self.language = words.language
        self._script = words.script
        self._variants = dict(
            zip(words.variants[::2], words.variants[1::2], strict=True) if words.variants else ()
        )
        try:
            self._kinds = {
                kind: {tag: _Compiled(sayings) for tag, sayings in tags.items()}
                for kind, tags in (
                    ("forbidden", words.forbidden),
                    ("reserved", words.reserved),
                    ("claims", words.claims),
                )
            }
            self._doubtful = {
                reason: [re.compile(pattern) for pattern in patterns]
                for reason, patterns in words.doubtful.items()
            }
        except re.error as error:
            raise ValueError(f"{words.language}: {error.pattern!r}: {error}") from error
        self._words = frozenset(words.words.split())
        self._longest = max(map(len, self._words))

    @property
    def forbidden(self) -> frozenset[str]:
        """The tags that no text may bear."""
        return frozenset(self._kinds["forbidden"])

    def classify(self, text: str) -> Finding:
        """Judge *text* as it would be sent."""
        normal = undisguise(text, self._script, self._variants)
        found: dict[str, set[str]] = {kind: set() for kind in self._kinds}
        spans: set[Span] = set()
        for kind, tags in self._kinds.items():
            for tag, compiled in tags.items():
                for start, end in compiled.spans(normal):
                    found[kind].add(tag)
                    spans.add(Span(start, end, tag))
        return Finding(
            forbidden=frozenset(found["forbidden"]),
            reserved=frozenset(found["reserved"]),
            claims=frozenset(found["claims"]),
            unsure=tuple(self._unsure(text, normal)),
            spans=tuple(sorted(spans)),
        )

    def _unsure(self, text: str, normal: Normal) -> Iterator[str]:
        plain = normal.plain.text
        if not any(map(str.isalpha, normal.words.text)):
            yield "no text"
        if len(text) > LONGEST:
            yield f"longer than {LONGEST} characters"
        yield from sorted(normal.marks)
        if _LINK.search(plain):
            yield "a link or an address"
        if _NUMBER.search(_AMOUNT.sub(" ", _DATE.sub(" ", plain))):
            yield "a number that may be personal"
        yield from (
            reason
            for reason, patterns in self._doubtful.items()
            if any(_found(patterns, normal.sentences))
        )
        if strange := list(self._strange(normal)):
            yield "words that the lexicon does not know: " + ", ".join(strange[:5])

    def _strange(self, normal: Normal) -> Iterator[str]:
        latin = (token[0] for token in _LETTERS.finditer(normal.words.text))
        yield from (word for word in latin if word not in self._words)
        for run in _HAN.finditer(normal.sentences.text):
            if self._script == "latin":
                yield run[0]
            else:
                yield from self._unread(run[0])

    def _unread(self, run: str) -> Iterator[str]:
        """Name what of a run of characters is in no word, when it is read with the fewest such characters."""
        best: list[tuple[int, int]] = [(0, 0)]  # characters in no word, length of the last word
        for end in range(1, len(run) + 1):
            choices = [(best[end - 1][0] + 1, 0)]
            choices += [
                (best[end - length][0], length)
                for length in range(1, min(self._longest, end) + 1)
                if run[end - length : end] in self._words
            ]
            best.append(min(choices))
        end, lost = len(run), []
        while end:
            length = best[end][1]
            if not length:
                lost.append(run[end - 1])
            end -= length or 1
        yield from reversed(lost)


def _found(patterns: list[re.Pattern[str]], view: View) -> Iterator[tuple[int, int]]:
    for pattern in patterns:
        yield from (view.span(found) for found in pattern.finditer(view.text))
