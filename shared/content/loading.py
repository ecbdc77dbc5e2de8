"""Read templates.yaml and check it against the texts themselves; what is wrong is said with the text and the mend.

Strict YAML 1.2 (shared/yaml_lines.py): a key that stands twice or that nobody knows is refused.
"""

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from shared.content.evidence import Phrases, untrue
from shared.content.lexicon import Finding, Lexicon, Words
from shared.content.registry import Registered, Registry, Template
from shared.events.registry import SERVICES
from shared.yaml_lines import YamlError
from shared.yaml_lines import read as read_yaml

STANDARD_CONTENT = Path(__file__).parent.parent.parent / "deploy" / "content"
_SERVICES = Path(__file__).parent.parent.parent / "services"
_PHRASES = Path(__file__).parent / "phrases"
_LEXICON = Path(__file__).parent / "lexicon"
FILE = "templates.yaml"
EXAMPLE = "example"
"""Who approved the texts that ship: nobody; production does not send them."""
T = TypeVar("T")
_VALUE = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
"""Where a text gets a value, or a condition begins or ends."""


class ContentError(ValueError):
    """The register or a text cannot be used; the message names each problem in a line of its own."""


def load(folder: Path | None = None, *, services: Path = _SERVICES) -> Registry:
    """
    Read the register in *folder* (None: the one that ships) and check it against the texts of all services.

    Raises ContentError for a register that cannot be read, a text that is not registered, one that is not
    the approved one (its digest differs), and tags that the text does not bear out; OSError as reading does.
    """
    registered = read(folder or STANDARD_CONTENT)
    problems = list(_problems(registered, services))
    if problems:
        raise ContentError("\n".join([f"{FILE}: {len(problems)} problems", *problems]))
    return Registry(registered)


def read(folder: Path) -> Registered:
    """Read the register without looking at the texts; raises ContentError, or OSError."""
    registered = strict(folder / FILE, Registered)
    seen: set[tuple[str, str]] = set()
    for template in registered.templates:
        if template.key in seen:
            raise ContentError(f"{FILE}: {' '.join(template.key)} stands twice")
        seen.add(template.key)
        if template.language not in registered.languages:
            raise ContentError(
                f"{FILE}: {' '.join(template.key)}: the language is not in `languages`"
            )
    return registered


def strict(path: Path, shape: type[T]) -> T:
    """Read one YAML file as *shape*; raises ContentError with the file, the line and the field, or OSError."""
    try:
        return read_yaml(path, shape, "it must be a mapping; docs/operations/content.md").value
    except (YamlError, UnicodeDecodeError) as error:
        raise ContentError(str(error)) from error


def has_examples(folder: str) -> bool:
    """Whether a text in *folder* ("": the one that ships) is approved by nobody but our example.

    False for a folder that cannot be read: the start of a service says why.
    """
    try:
        registered = read(Path(folder) if folder else STANDARD_CONTENT)
    except (ContentError, OSError):
        return False
    return any(each.approval and each.approval.by == EXAMPLE for each in registered.templates)


@cache
def phrases(language: str) -> Phrases:
    """Answer what the words of *language* prove; raises ContentError for a language that has no such file."""
    path = _PHRASES / f"{language}.yaml"
    if not path.is_file():
        raise ContentError(f"{language}: no texts can be judged in this language")
    return strict(path, Phrases)


@cache
def lexicon(language: str) -> Lexicon | None:
    """Answer the lexicon of *language*, or None: nothing that is not approved can be said in it. Raises ContentError."""
    path = _LEXICON / f"{language}.yaml"
    if not path.is_file() or not language.replace("-", "").isalnum():
        return None
    try:
        return Lexicon(strict(path, Words))
    except ValueError as error:
        raise ContentError(str(error)) from error


def classify(text: str, language: str) -> Finding:
    """Judge free text by the lexicon of *language*; without one it is unsure."""
    found = lexicon(language)
    if found is None:
        return Finding(unsure=(f"no lexicon for {language}",))
    return found.classify(text)


def texts(services: Path = _SERVICES) -> dict[tuple[str, str, str], Path]:
    """Find all texts that leave the system, by service, language and name."""
    return {
        (service, path.parent.name, path.stem): path
        for service in SERVICES
        for path in sorted((services / service / "templates").glob("*/*.txt"))
    }


def digest(source: bytes) -> str:
    """Answer the digest of a text's source, as the register has it."""
    return sha256(source).hexdigest()


def _problems(registered: Registered, services: Path) -> Iterator[str]:
    there = texts(services)
    entries = {(each.service, each.language, each.template): each for each in registered.templates}
    for key in sorted(there.keys() - entries.keys()):
        yield f"{'/'.join(key)}: this text is not registered; have it approved and add it"
    for key, template in entries.items():
        if key not in there:
            yield f"{'/'.join(key)}: registered, but there is no such text; take it out"
            continue
        source = there[key].read_bytes()
        if (found := digest(source)) != template.digest:
            yield (
                f"{'/'.join(key)}: the text is not the approved one; have it approved again, then set "
                f'`digest: "{found}"`, `version` and `approval`'
            )
        yield from (f"{'/'.join(key)}: {problem}" for problem in _untrue(template, source))


def _untrue(template: Template, source: bytes) -> Iterator[str]:
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        yield "the text is not UTF-8"
        return
    yield from untrue(template.tags, text, phrases(template.language))
    words = lexicon(template.language)
    if words is None:
        yield f"there is no lexicon for {template.language}"
        return
    blank = _VALUE.sub("\u25a1", text)
    finding = words.classify(blank)
    for span in finding.spans:
        says = blank[span.start : span.end]
        if span.tag in finding.forbidden and template.audience != "court":
            yield f"says {says!r}, which nobody may say ({span.tag})"
        elif span.tag in finding.reserved - set(template.tags):
            yield f"tag {span.tag!r} is missing: the text says {says!r}"
