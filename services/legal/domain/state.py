"""What legal knows of one customer: the proceedings of each episode, and the holds that stand."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from shared.decision import CaseState
from shared.events.agencies import AgencyContacted
from shared.events.commands import CourtOutcomeRecorded
from shared.events.envelope import Fact, Instant
from shared.events.legal import CourtNotice
from shared.events.permits import Permit
from shared.events.scheduler import Amount, Situation
from shared.ids import derive

Kind = Literal["letter", "filing", "enforcement"]
Step = Literal["assess", "file", "enforce"]
Stage = Literal[
    "due",
    "unfit",
    "letter",
    "demanded",
    "filing",
    "filed",
    "accepted",
    "judged",
    "enforcing",
    "ended",
]
STAGES: tuple[Stage, ...] = (
    "due",
    "unfit",
    "letter",
    "demanded",
    "filing",
    "filed",
    "accepted",
    "judged",
    "enforcing",
)
"""The stages of proceedings under way, the furthest last."""

EFFECT_KIND: dict[Kind, str] = {
    "letter": "legal.letter",
    "filing": "court.filing",
    "enforcement": "court.enforcement",
}
CLOSED = "case_closed"


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, order=True):
    """What was said of an effect; of two that say the same outcome the smaller one counts."""

    at: Instant
    case_no: str = ""
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the scheduler said last, at `at`, of a letter's permit: the permit, or none and when to ask again."""

    at: Instant
    permit: Permit | None = None
    earliest_next: Instant | None = None


class Sending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A letter, filing or request for enforcement.

    `news` are the notices by outcome that no tick has read yet, `told` the outcomes that were read.
    A letter keeps the permit that it asked, `answer` to it that no tick has read yet, when it was granted (it
    has left, or waits to leave, from then on), where it goes, and the accounts that it is about. A filing keeps what it claims, for whom and where, a request for enforcement the filing that was granted.
    """

    kind: Kind
    filing_id: str = ""
    claim: Amount | None = None
    court: str = ""
    creditor: str = ""
    permit_id: str = ""
    answer: Answer | None = None
    granted_at: Instant | None = None
    point_id: str = ""
    accounts: tuple[str, ...] = ()
    news: dict[str, Notice] = {}
    told: tuple[str, ...] = ()


class Proceedings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The way of one claim to the court and back.

    `step` is what legal does next itself, `ready` that it is time for it, `held` that a tick found it
    ready while a hold stood. `wanted` is the requested follow-up that is awaited, `came` that it is
    due, `asked` the number of requests so far. `current` is the effect whose hand-over is awaited,
    `recalled` that a hold withdrew it, `sent` numbers the effects, `tries` counts those that failed in
    a row. `granted` is the filing that was granted. `joined` are later follow-ups of the episode. `stop` is why the proceedings must end;
    `was_stopped` tells, of ended ones, that they may begin anew in the same episode.
    """

    episode: int
    stage: Stage = "due"
    step: Step = "assess"
    situation: Situation | None = None
    joined: tuple[str, ...] = ()
    ready: bool = True
    held: bool = False
    wanted: str = ""
    came: bool = False
    asked: int = 0
    assessments: int = 0
    sendings: dict[str, Sending] = {}
    sent: int = 0
    tries: int = 0
    current: str = ""
    recalled: bool = False
    granted: str = ""
    case_no: str = ""
    stop: str = ""
    was_stopped: bool = False
    ended_at: Instant | None = None


class Placement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accounts (none: all) that an agency has from `placed_at` until `recalled_at`, and what of it was told."""

    agency: str = ""
    account_ids: tuple[str, ...] = ()
    on_public_list: bool = False
    placed_at: Instant | None = None
    recalled_at: Instant | None = None
    told: bool = False
    recall_told: bool = False


class LegalFile(CaseState, frozen=True, kw_only=True):
    """
    The proceedings against one customer by their first follow_up_id, and the holds (hold_id -> reason).

    `placements` are those of agencies, by id; `reported` the contacts that the next tick tells.
    """

    proceedings: dict[str, Proceedings] = {}
    holds: dict[str, str] = {}
    placements: dict[str, Placement] = {}
    reported: dict[str, AgencyContacted] = {}


def effect_id(customer_id: str, follow_up_id: str, kind: Kind, number: int) -> str:
    """Answer the id of the effect that is the *number*-th of these proceedings."""
    return derive("legal", customer_id, follow_up_id, kind, number)


def permit_id(customer_id: str, letter_id: str) -> str:
    """Answer the id of the permit for a letter, by the id of its effect."""
    return derive("legal", customer_id, letter_id, "permit")


def later(one: Answer, other: Answer) -> Answer:
    """Choose what counts of two answers: the one given later, of two at once the refusal."""
    return max(one, other, key=lambda each: (each.at, each.permit is None, repr(each)))


def is_filed(file: LegalFile, filing_id: str) -> bool:
    """Tell whether *filing_id* is a filing of this customer."""
    return any(
        filing_id in each.sendings and each.sendings[filing_id].kind == "filing"
        for each in file.proceedings.values()
    )


def as_told(said: Fact, file: LegalFile) -> Fact:
    """Answer a fact as it is, but what a person recorded of a court date as the court's own notice.

    What enforcement brought is said of the filing that was granted, and noted of the request to enforce it.
    """
    if not isinstance(said, CourtOutcomeRecorded):
        return said
    about = said.filing_id
    if said.outcome in {"recovered", "no_assets"}:
        requests = (
            effect_id
            for each in file.proceedings.values()
            for effect_id, sending in sorted(each.sendings.items())
            if sending.filing_id == said.filing_id
        )
        about = next(requests, "")
    return CourtNotice(
        customer_id=said.customer_id,
        effect_id=about,
        outcome=said.outcome,
        case_no=said.case_no,
    )


def stage_of(proceedings: Iterable[Proceedings]) -> str:
    """Name the furthest stage of the proceedings under way; idle when there are none."""
    under_way = {each.stage for each in proceedings}
    return next((stage for stage in reversed(STAGES) if stage in under_way), "idle")
