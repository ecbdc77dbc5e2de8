"""A person who does not exist, with values that stand nowhere else, and a scanner that finds them however they are written."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

PERSON: Mapping[str, str] = {
    "phone": "13987650421",
    "id_card": "310101198307230427",
    "card": "6222027654320193",
    "name": "欧阳金丝雀",
    "address": "上海市静安区金丝雀路4711号",
    "email": "kanarienvogel.4711@example.org",
    "wechat": "wx-kanarienvogel-4711",
}
CHUNK = 1 << 22


class Scanner:
    """Looks for the values of *secrets* in bytes: as UTF-8, UTF-16, hexadecimal, base64, escaped for JSON and for URLs."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = sorted(
            {(form, name) for name, value in secrets.items() for form in _forms(value) if form}
        )
        self._longest = max(len(form) for form, _ in self._forms)

    def found(self, data: bytes | str) -> set[str]:
        """Name what *data* holds, never the value."""
        plain = data.encode() if isinstance(data, str) else data
        return {name for form, name in self._forms if form in plain}

    def in_file(self, path: Path) -> set[str]:
        """Name what a file holds; read in pieces that overlap."""
        held: set[str] = set()
        rest = b""
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                held |= self.found(rest + piece)
                rest = piece[-self._longest :]
        return held

    def in_folder(self, folder: Path, *, without: Iterable[str] = ()) -> dict[str, set[str]]:
        """Answer file -> what it holds, of all files below *folder* but those whose path matches a pattern."""
        spared = [re.compile(pattern) for pattern in without]
        hits = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and not any(pattern.search(name) for pattern in spared):
                try:
                    held = self.in_file(path)
                except FileNotFoundError:  # a log that was rolled away meanwhile
                    continue
                if held:
                    hits[name] = held
        return hits


def _forms(value: str) -> Iterator[bytes]:
    plain = value.encode()
    yield plain
    yield value.encode("utf-16-le")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    yield quote(value, safe="").encode()
    yield quote(value, safe="").lower().encode()
    yield "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in value).encode()
    for shift in range(3):  # where the value begins within a group of three bytes
        coded = base64.b64encode(b"\0" * shift + plain)
        yield coded[-(-shift * 4 // 3) : (len(plain) + shift) * 4 // 3 // 4 * 4]
