"""Write texts that leave the system: Jinja2 templates by language, and money and dates as people write them."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision
from jinja2 import DictLoader, StrictUndefined, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

_UNPRINTABLE = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)


class Templates:
    """The templates below a folder, one file `<language>/<name>.txt` each; keep one: it holds them compiled.

    They are read once: a file that is changed while a service runs is not used (it was not approved so). A value never adds a line nor acts as a template; plain text goes to people, so nothing is
    escaped for HTML.
    """

    def __init__(self, folder: Path) -> None:
        self._sources = {
            f"{path.parent.name}/{path.name}": path.read_bytes() for path in folder.glob("*/*.txt")
        }
        self._languages = sorted({name.partition("/")[0] for name in self._sources})
        texts = {name: source.decode("utf-8") for name, source in self._sources.items()}
        self._jinja = ImmutableSandboxedEnvironment(
            loader=DictLoader(texts),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=lambda value: one_line(value) if isinstance(value, str) else value,
        )

    def language(self, wanted: str, otherwise: str) -> str:
        """Answer the language that has templates and suits *wanted* (a BCP 47 tag), else *otherwise*."""
        family = wanted.partition("-")[0].lower()
        fits = (name for name in self._languages if name.partition("-")[0] == family)
        return wanted if wanted in self._languages else next(fits, otherwise)

    def version(self, language: str, name: str) -> str:
        """Answer the digest of a template's source: another text is another version. Raises TemplateNotFound."""
        path = f"{language}/{name}.txt"
        if path not in self._sources:
            raise TemplateNotFound(path)
        return sha256(self._sources[path]).hexdigest()[:16]

    def render(self, language: str, name: str, values: Mapping[str, Any]) -> str:
        """Render a template.

        Raises jinja2.TemplateNotFound for one that does not exist, and jinja2.UndefinedError for a
        value that is not given.
        """
        return self._jinja.get_template(f"{language}/{name}.txt").render(values).strip()


def money(amount_minor: int, currency: str, language: str) -> str:
    """Write an amount as people write it; a yen has no minor units, a dinar a thousand."""
    units = Decimal(amount_minor).scaleb(-get_currency_precision(currency))
    return format_currency(units, currency, locale=Locale.parse(language, sep="-"))


def day(iso: str, language: str) -> str:
    """Write an ISO date in words of the language."""
    return format_date(date.fromisoformat(iso), "long", locale=Locale.parse(language, sep="-"))


def ending(account: str) -> str:
    """Show no more than the last four characters of an account, and never all of a short one."""
    plain = one_line(account)
    return plain[-min(4, max(1, len(plain) // 2)) :]


def one_line(text: str) -> str:
    """Make one line of *text*; also takes out what would turn the direction of writing."""
    return _UNPRINTABLE.sub(" ", text).strip()
