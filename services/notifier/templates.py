"""Render the texts of contacts: Jinja2 templates, one file per language and template, plain text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from babel import Locale
from babel.units import format_unit

from services.notifier.policy import NotifierPolicy
from shared.texts import Templates, day, ending, money, one_line

FOLDER = Path(__file__).parent / "templates"


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
        self._templates = Templates(FOLDER)

    def render(self, request: Mapping[str, Any]) -> str:
        """
        Render the text of an effect's request (Turn in domain/turn.py says what it holds).

        Raises jinja2.TemplateNotFound for a template or language that does not exist, and
        jinja2.UndefinedError for a value that the request lacks.
        """
        language = request["language"]
        return self._templates.render(
            language, request["template"], self._values(request, language)
        )

    def version(self, request: Mapping[str, Any]) -> str:
        """Answer the version of the template that render() uses for *request*."""
        return self._templates.version(request["language"], request["template"])

    def _values(self, request: Mapping[str, Any], language: str) -> dict[str, Any]:
        creditor = request["creditor"]
        called = self._policy.creditors.get(creditor, {}).get(language, creditor)
        return {
            "creditor": one_line(called),
            "collector": one_line(self._policy.collector.get(language, "")),
            "accounts": [ending(account) for account in request["accounts"]],
            "amounts": _amounts(request["overdue"], language),
            "fees": _amounts(request.get("fees", []), language),
            "dpd": request["dpd"],
            "late": format_unit(
                request["dpd"], "duration-day", locale=Locale.parse(language, sep="-")
            ),
            "as_of": day(request["as_of_on"], language),
            "due": day(request["oldest_due_on"], language),
            "pay_by": day(request["pay_by_on"], language),
            "reference": one_line(request["follow_up_id"]),
            "hotline": one_line(self._policy.hotline),
            "complaints": one_line(self._policy.complaints),
            "website": one_line(self._policy.website),
            **{name: one_line(request[name]) for name in ("addressee", "note") if name in request},
        }


def _amounts(entries: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    return [money(entry["amount_minor"], entry["currency"], language) for entry in entries]
