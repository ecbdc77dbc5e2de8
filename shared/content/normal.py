"""Undo what hides words: full width, invisible and look-alike letters, spaces and signs between letters. Pure.

Every view remembers from which character of the text each of its own came, so that a finding can be shown.
"""

import re
from dataclasses import dataclass
from typing import Literal
from unicodedata import category, name, normalize

Script = Literal["han", "latin"]
_ALIKE = dict(
    zip(
        "аеорсухіјѕԁһвкмнтαβεικνορτυχ",
        "aeopcyxijsdhbkmhtabeiknoptux",
        strict=True,
    )
)
"""Cyrillic and Greek letters that look like Latin ones."""
_LEET = str.maketrans("013457@$!", "oieastasi")
_ORDINAL = re.compile(r"\d+(st|n[d]|rd|th|am|pm)")
_SPELT = re.compile(r"(?<![^ .!?;,])[a-z0-9](?: [a-z0-9]){2,}(?![^ .!?;,])")
_TOKEN = re.compile(r"[^ .!?;,]+")
_STOPS = frozenset(".!?;,。、")
HIDDEN = "hidden characters"
ALIKE = "letters that only look like others"
RARE = "traditional or rare characters"
SYMBOLS = "symbols or pictures"


@dataclass(frozen=True, slots=True)
class View:
    """A text as it is compared, and for each of its characters the place in the original."""

    text: str
    places: tuple[int, ...]

    def span(self, found: re.Match[str]) -> tuple[int, int]:
        """Answer where in the original a match lies, as start and end."""
        if found.start() == found.end():
            return (0, 0)
        return (self.places[found.start()], self.places[found.end() - 1] + 1)


@dataclass(frozen=True, slots=True)
class Normal:
    """
    A text without disguise. `plain` is folded with its signs; in `words` nothing parts words but one space (of
    Han text: nothing at all); `sentences` is the same with the stops that end a clause. `marks` say what was hidden.
    """

    plain: View
    words: View
    sentences: View
    marks: frozenset[str]


def undisguise(text: str, script: Script, variants: dict[str, str]) -> Normal:
    """Fold *text*; *variants* maps characters (traditional ones) to those that the lexicon is written in."""
    chars: list[str] = []
    places: list[int] = []
    marks: set[str] = set()
    for place, original in enumerate(text):
        if category(original) in {"Cf", "Mn", "Me", "Cc"} and original not in "\n\t\r":
            marks.add(HIDDEN)
            continue
        for folded in normalize("NFKC", original).casefold():
            if category(folded) in {"So", "Sk", "Sm", "Co", "Cs", "Cn"}:
                marks.add(SYMBOLS)
            if folded in _ALIKE:
                marks.add(ALIKE)
            if _is_han(folded) and not _is_simplified(folded):
                marks.add(RARE)
            plain = _ALIKE.get(folded, variants.get(folded, folded))
            chars.append(" " if plain.isspace() else plain)
            places.append(place)
    plain_view = View("".join(chars), tuple(places))
    parts = _han if script == "han" else _latin
    return Normal(
        plain_view,
        parts(plain_view, frozenset()),
        parts(plain_view, _STOPS),
        frozenset(marks),
    )


def _han(view: View, keep: frozenset[str]) -> View:
    """Leave out all that is neither letter, digit nor one of *keep*: spaces part no words in Chinese."""
    kept = [
        (char, place)
        for char, place in zip(view.text, view.places, strict=True)
        if char.isalnum() or char in keep
    ]
    return View("".join(char for char, _ in kept), tuple(place for _, place in kept))


def _latin(view: View, keep: frozenset[str]) -> View:
    """Join what is spelt letter by letter or broken by signs, read digits as letters within words."""
    pairs = list(zip(view.text, view.places, strict=True))
    spelt = {
        index
        for found in _SPELT.finditer(view.text)
        for index in range(found.start(), found.end())
        if view.text[index] == " "
    }
    folded: list[tuple[str, int]] = []
    for index, (char, place) in enumerate(pairs):
        follows = index + 1 < len(pairs) and not pairs[index + 1][0].isspace()
        if char in keep and not follows:
            folded.append((char, place))
        elif char.isspace() and index not in spelt:
            if folded and folded[-1][0] != " ":
                folded.append((" ", place))
        elif char.isalnum() or char in "@!" or category(char) == "Sc":
            folded.append((char, place))
    text = "".join(char for char, _ in folded)
    letters = list(text)
    for token in _TOKEN.finditer(text):
        word = token[0]
        if re.search(r"[a-z]", word) and not _ORDINAL.fullmatch(word):
            letters[token.start() : token.end()] = word.translate(_LEET)
    kept = [
        (char, place)
        for char, (_, place) in zip(letters, folded, strict=True)
        if char.isalnum() or char == " " or char in keep or category(char) == "Sc"
    ]
    return View("".join(char for char, _ in kept), tuple(place for _, place in kept))


def _is_han(char: str) -> bool:
    return name(char, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY"))


def _is_simplified(char: str) -> bool:
    """Whether the national standard of simplified characters (GB 2312) has it."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
