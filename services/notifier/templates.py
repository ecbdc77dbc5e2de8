"""Render the texts of contacts: Jinja2 templates, one file per language and template, plain text."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision
from babel.units import format_unit
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifier.policy import NotifierPolicy

FOLDER = Path(__file__).parent / "templates"
_UNPRINTABLE = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)


def names(language: str) -> frozenset[str]:
    """Name the templates that there are in *language*, for example `sms.reminder`."""
    return frozenset(path.stem for path in (FOLDER / language).glob("*.txt"))


class Texts:
    """
    Renders templates by the bank's policy; holds compiled templates, so keep one.

    Values are only ever values: what looks like template syntax in a name stays text, and line
    breaks, control and direction characters become one space, so that no value adds a line.
    """

    def __init__(self, policy: NotifierPolicy) -> None:
        self._policy = policy
        # Plain text goes to phones, mailboxes and paper, never into HTML, where quotes as `&#39;`
        # would be read as such.
        self._jinja = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(FOLDER),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, request: Mapping[str, Any]) -> str:
        """
        Render the text of an effect's request (Turn in domain/turn.py says what it holds).

        Raises jinja2.TemplateNotFound for a template or language that does not exist, and
        jinja2.UndefinedError for a value that the request lacks.
        """
        language = request["language"]
        template = self._jinja.get_template(f"{language}/{request['template']}.txt")
        return template.render(self._values(request, Locale.parse(language, sep="-"))).strip()

    def _values(self, request: Mapping[str, Any], locale: Locale) -> dict[str, Any]:
        creditor = request["creditor"]
        called = self._policy.creditors.get(creditor, {}).get(request["language"], creditor)
        return {
            "creditor": one_line(called),
            "accounts": [ending(account) for account in request["accounts"]],
            "amounts": [money(due, locale) for due in request["overdue"]],
            "fees": [money(fee, locale) for fee in request.get("fees", [])],
            "dpd": request["dpd"],
            "late": format_unit(request["dpd"], "duration-day", locale=locale),
            "as_of": day(request["as_of_on"], locale),
            "due": day(request["oldest_due_on"], locale),
            "pay_by": day(request["pay_by_on"], locale),
            "reference": one_line(request["follow_up_id"]),
            "hotline": one_line(self._policy.hotline),
            "complaints": one_line(self._policy.complaints),
            "website": one_line(self._policy.website),
        }


def money(amount: Mapping[str, Any], locale: Locale) -> str:
    """Write {amount_minor, currency} as people write it; a yen has no minor units, a dinar a thousand."""
    currency = amount["currency"]
    units = Decimal(amount["amount_minor"]).scaleb(-get_currency_precision(currency))
    return format_currency(units, currency, locale=locale)


def day(iso: str, locale: Locale) -> str:
    """Write an ISO date in words of the language."""
    return format_date(date.fromisoformat(iso), "long", locale=locale)


def ending(account: str) -> str:
    """Show no more than the last four characters of an account, and never all of a short one."""
    plain = one_line(account)
    return plain[-min(4, max(1, len(plain) // 2)) :]


def one_line(text: str) -> str:
    """Make one line of *text*; also takes out what would turn the direction of writing."""
    return _UNPRINTABLE.sub(" ", text).strip()
