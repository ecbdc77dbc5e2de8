"""Leave for a person's contact: ask for it, tell what came of it, and look beforehand whether it would be given."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.scheduler.domain import asking, logbook
from services.scheduler.domain.gatekeeping import Ruling
from services.scheduler.domain.ladder import KINDS_OF_POINT
from services.scheduler.domain.state import Asked, CollectionCase
from services.scheduler.domain.view import View
from shared.events.contacts import ContactReported, Outcome, PermitAsked, Purpose
from shared.events.permits import InTheWay, PermitChannel, PermitRefused
from shared.http.access import Caller, needs
from shared.http.commands import (
    DAY,
    TAKEN,
    YEAR,
    Body,
    Command,
    CustomerId,
    Given,
    ReferenceField,
    ask,
    bounded,
    case_of,
    give,
    not_fresh,
    state_for,
    wrong,
)
from shared.http.context import Running
from shared.http.problems import Problem, ProblemError

Giver = Annotated[Caller, needs("commands:give")]
Reader = Annotated[Caller, needs("cases:read")]
PermitId = Annotated[str, Path(min_length=1, max_length=128)]
Short = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")]
Conduct = Annotated[dict[Short, bool | int | Short], Field(max_length=20)]
Tags = Annotated[
    list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]], Field(max_length=50)
]
KINDS: Mapping[str, tuple[str, ...]] = {"visit": ("postal",)} | dict(KINDS_OF_POINT.items())
HORIZON = timedelta(days=500)
NEVER = "event"


class Obstacle(BaseModel):
    """A rule in the way: from `next` on it alone would allow (`event`: time does not help), a fact that it misses."""

    rule: str
    pack: str = ""
    next: datetime | Literal["event"]
    needs_fact: str = ""


class NotPermitted(Problem):
    """Refused: the rules in the way, the facts they miss, and the earliest instant at which all allow it."""

    permit_id: str
    rules: list[Obstacle]
    needs_fact: list[str] = []
    earliest_next: datetime | Literal["event"]


class PermitBody(Body):
    """
    The contact that is to be made now. `account_ids`: the debts to be spoken of (none: all that is overdue).

    `template` is the registered script and brings its tags; `tags` are what the caller discloses besides. `conduct` says
    what is so of the act (recording, staff, id_shown ...), on top of what the bank's strategy says of every one. `contacted`
    names a third person who is asked, `place` where the contact finds the customer (work).
    """

    channel: PermitChannel
    point_id: ReferenceField
    purpose: Purpose = "collect"
    account_ids: Annotated[list[ReferenceField], Field(max_length=100)] = []
    contacted: Short = ""
    place: Short = ""
    topic: Short = ""
    template: Short = ""
    tags: Tags = []
    conduct: Conduct = {}


class Granted(BaseModel):
    """Leave for one contact, from `not_before` on and before `not_after`; it holds a place under every cap until its outcome is told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "permit_id": "8a6f0d3c-5b8a-5c0e-9d0a-3f5f0e6f7c11",
                    "channel": "call",
                    "point_id": "C000042-mobile",
                    "not_before": "2026-03-16T02:00:00Z",
                    "not_after": "2026-03-16T02:02:00Z",
                    "packs": ["cn-bank-consumer@2026.11.0:5f3a0c9e8d7b6a59"],
                    "facts": "9f2c4e1ab0d37f55",
                }
            ]
        }
    )

    permit_id: str
    channel: str
    point_id: str
    not_before: datetime
    not_after: datetime
    packs: list[str] = []
    facts: str = ""


class OutcomeBody(Body):
    """`result` in the words of the rules; `effective` is a conversation with the person who was meant."""

    result: Outcome
    occurred_at: AwareDatetime | None = None
    promised_on: date | None = None


class Advice(BaseModel):
    """Whether a contact at this point would be permitted, else when, and what is in the way."""

    point_id: str
    party: str
    allowed: bool
    earliest_next: datetime | Literal["event"]
    rules: list[Obstacle] = []
    packs: list[str] = []


class Beforehand(BaseModel):
    """One answer for each contact point of the customer that the channel can reach."""

    channel: str
    at: datetime
    points: list[Advice]


router = APIRouter(prefix="/cases/{customer_id}", tags=["permits"], responses=TAKEN)


@router.post(
    "/permits",
    status_code=201,
    responses={
        409: {"model": NotPermitted, "description": "Rules stand in the way"},
        503: {"model": Problem, "description": "Facts may still wait: ask again after Retry-After"},
    },
)
async def permit(command: Command, caller: Giver, body: PermitBody) -> Granted:
    """
    Ask leave for a contact that a person is about to make; the contact begins within two minutes, or asks again.

    The answer rests on all that is known, and reserves: of two who ask for the last place one gets it. The same key
    hears the same answer for a day.
    """
    case: CollectionCase = await state_for(command, caller)
    _check(case, body)
    permit_id = command.id_of("permit", caller)
    fields = {**body.model_dump(), "permit_id": permit_id}
    after: CollectionCase = await ask(command, caller, PermitAsked, fields)
    told = after.answers.get(permit_id)
    if told is None:
        raise not_fresh()
    if told.permit is None:
        assert told.refused is not None, "an answer grants or refuses"
        raise _not_permitted(told.refused)
    leave = told.permit
    return Granted(
        permit_id=leave.permit_id,
        channel=leave.channel,
        point_id=leave.point_id,
        not_before=leave.not_before,
        not_after=leave.not_after,
        packs=list(leave.packs),
        facts=leave.facts,
    )


@router.post("/permits/{permit_id}/outcome", status_code=202)
async def outcome(command: Command, caller: Giver, permit_id: PermitId, body: OutcomeBody) -> Given:
    """Tell what came of the contact; its reservation ends, and what it came to counts."""
    case: CollectionCase = await state_for(command, caller)
    known = case.log.get(logbook.permit_key(permit_id))
    if known is None:
        raise ProblemError("not-found", "This case has no such permit.")
    now = command.runtime.clock.now()
    if (
        body.occurred_at is not None
        and not (known.rec or known.at) - DAY <= body.occurred_at <= now
    ):
        raise wrong("body.occurred_at", "lies in the future, or long before the permit")
    today = command.today
    bounded("promised_on", body.promised_on, earliest=today - DAY, latest=today + YEAR)
    fields = {**body.model_dump(exclude_none=True), "permit_id": permit_id}
    return await give(command, caller, ContactReported, fields, about=permit_id)


@router.get("/permits")
async def advise(
    runtime: Running,
    caller: Reader,
    customer_id: CustomerId,
    channel: PermitChannel,
    at: Annotated[AwareDatetime | None, Query(description="When; now without it.")] = None,
    purpose: Purpose = "collect",
    template: Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")] = "",
    tag: Annotated[Tags, Query(description="What is disclosed; may be said more than once.")] = [],  # noqa: B006
) -> Beforehand:
    """Look whether a person's contact would be permitted, why not, and when next; nothing is reserved or published."""
    now = runtime.clock.now()
    when = now if at is None else at.astimezone(now.tzinfo)
    if not now - DAY <= when <= now + HORIZON:
        raise wrong("query.at", "lies before yesterday, or more than 500 days ahead")
    case: CollectionCase = await case_of(runtime, caller, customer_id)
    points = case.customer.points if case.customer is not None else {}
    reached = {key: each for key, each in sorted(points.items()) if each.kind in KINDS[channel]}
    view = View(customer_id, case, when, runtime.reactor.policy)
    answers = []
    for point_id, point in reached.items():
        wanted = Asked(
            at=when, by=caller.subject, channel=channel, point_id=point_id, purpose=purpose,
            template=template, tags=tuple(tag),
        )  # fmt: skip
        answers.append(_advice(point_id, point.party, asking.advice(view, wanted)))
    return Beforehand(channel=channel, at=when, points=answers)


def _check(case: CollectionCase, body: PermitBody) -> None:
    """Raise the problem `invalid` for a point or an account that is not the customer's, or that the channel does not reach."""
    point = case.customer.points.get(body.point_id) if case.customer is not None else None
    if point is None:
        raise wrong("body.point_id", "is no contact point of this customer")
    if point.kind not in KINDS[body.channel]:
        raise wrong("body.channel", "does not reach this contact point")
    for index, account_id in enumerate(body.account_ids):
        if account_id not in case.accounts:
            raise wrong(f"body.account_ids.{index}", "is no account of this customer")


def _obstacle(reason: InTheWay) -> Obstacle:
    return Obstacle(
        rule=reason.rule,
        pack=reason.pack,
        next=reason.next_at or NEVER,
        needs_fact=reason.needs_fact,
    )


def _not_permitted(refused: PermitRefused) -> ProblemError:
    rules = [_obstacle(reason).model_dump(mode="json") for reason in refused.reasons]
    missing = sorted({reason.needs_fact for reason in refused.reasons} - {""})
    earliest = refused.earliest_next.isoformat() if refused.earliest_next else NEVER
    return ProblemError(
        "not-permitted",
        "Nothing was reserved. Ask again when it may be allowed, with another key.",
        members={
            "permit_id": refused.permit_id,
            "rules": rules,
            "needs_fact": missing,
            "earliest_next": earliest.replace("+00:00", "Z"),
        },
    )


def _advice(point_id: str, party: str, ruling: Ruling) -> Advice:
    return Advice(
        point_id=point_id,
        party=party,
        allowed=ruling.allowed,
        earliest_next=ruling.earliest or NEVER,
        rules=[_obstacle(reason) for reason in ruling.reasons],
        packs=list(ruling.packs),
    )
