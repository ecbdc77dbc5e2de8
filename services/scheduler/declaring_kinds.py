"""What all kinds of declarations share: when it was, and the checks of what it names. A misspelt debt or point would be none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field

from services.scheduler.domain.state import CollectionCase
from shared.compliance.pack import Pack
from shared.compliance.rules import AnyRule, Cap, Fresh, Hold
from shared.events.commands import Happened
from shared.http.commands import Body, ReferenceField, wrong

AGO = timedelta(days=20 * 366)
"""Further back nothing is declared: a consent may be old, a typing error is older."""
Accounts = Annotated[
    list[ReferenceField],
    Field(max_length=100, description="The debts that it is about; none: all of the customer."),
]
SomeAccounts = Annotated[
    list[ReferenceField],
    Field(min_length=1, max_length=100, description="The debts that it is about."),
]
CaseField = Annotated[
    ReferenceField,
    Field(description="Joins what began with what ends it; the answer's `about` names it."),
]
NewCase = Annotated[
    CaseField | None, Field(description="The file's number; without one an id is made.")
]


class Declared(Body):
    """
    A declaration that becomes a fact of `model`: `occurred_at` says when it was (none: now), never in the future.

    Kinds whose fact has fields of its own override `told`.
    """

    model: ClassVar[type[Happened]]

    occurred_at: AwareDatetime | None = Field(
        default=None,
        description="When it happened, if not now; with its offset, not in the future.",
    )

    def told(self, taking: "Taking") -> dict[str, Any]:  # noqa: ARG002  most kinds do
        """Answer the fact's own fields; raises the problem `invalid` for what this customer does not have."""
        return {}


@dataclass(frozen=True, slots=True)
class Taking:
    """One declaration under way: the case as it stands, the rules in force, the id of what it may make, the clock's instant."""

    case: CollectionCase
    packs: tuple[Pack, ...]
    made_id: str
    now: datetime

    def instant(self, body: Declared) -> dict[str, Any]:
        """Answer `occurred_at` if it was said; raises the problem `invalid` for one in the future or long ago."""
        at = body.occurred_at
        if at is None:
            return {}
        if not self.now - AGO <= at <= self.now:
            raise wrong("body.occurred_at", "lies in the future, or more than twenty years ago")
        return {"occurred_at": at}

    def accounts(self, named: list[str]) -> dict[str, Any]:
        """Answer `account_ids`, each once; raises the problem `invalid` for one that is not the customer's."""
        for index, account_id in enumerate(named):
            if account_id not in self.case.accounts:
                raise wrong(f"body.account_ids.{index}", "is no account of this customer")
        return {"account_ids": tuple(sorted(set(named)))} if named else {}

    def account(self, named: str | None) -> dict[str, Any]:
        """Answer `account_id`; raises the problem `invalid` for one that is not the customer's."""
        if named is not None and named not in self.case.accounts:
            raise wrong("body.account_id", "is no account of this customer")
        return {"account_id": named}

    def point(self, named: str | None) -> dict[str, Any]:
        """Answer `point_id`; raises the problem `invalid` for one that is not the customer's."""
        if named is not None and (
            self.case.customer is None or named not in self.case.customer.points
        ):
            raise wrong("body.point_id", "is no contact point of this customer")
        return {} if named is None else {"point_id": named}

    def consent(self, named: str) -> str:
        """Answer the kind of consent; raises the problem `invalid` for one that no rule asks for: it would allow nothing."""
        known = {kind for pack in self.packs for rule in pack.rules for kind in consents_of(rule)}
        if named not in known:
            raise wrong(
                "body.consent", f"no rule asks for it; known are {', '.join(sorted(known))}"
            )
        return named

    def begun(self, named: str) -> str:
        """Answer the case that something ends; raises the problem `invalid` where nothing began under it."""
        if not any(entry.case == named for entry in self.case.log.values()):
            raise wrong("body.case", "nothing began under it")
        return named


def consents_of(rule: AnyRule) -> Iterator[str]:
    """Yield the kinds of consent that the rule knows."""
    if rule.unless_consent:
        yield rule.unless_consent
    match rule:
        case Cap(exclude_consent=kind) if kind:
            yield kind
        case Hold(ends=event):
            yield from _kind(event)
        case Fresh(any_event=events):
            for event in events:
                yield from _kind(event)
        case _:
            return


def _kind(event: str) -> Iterator[str]:
    family, _, kind = event.partition(".")
    if family == "consent":
        yield kind
