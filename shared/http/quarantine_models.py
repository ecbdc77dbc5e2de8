"""What the routes of the quarantine take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.events.identifiers import personal
from shared.http.context import MOST_ROWS

MOST_REASON = 500


def _free_of_numbers(text: str) -> str:
    if personal(text):
        raise ValueError("holds a personal number")
    if not text.strip() or not text.isprintable():
        raise ValueError("is empty, or holds control characters")
    return text


Why = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_REASON,
        description="Why, in a sentence; kept for ever, so no personal data.",
    ),
    AfterValidator(_free_of_numbers),
]
Fate = Literal["waiting", "released", "discarded", "any"]
"""What became of an entry."""
Text = Annotated[str, Field(max_length=128)]


class GroupLine(BaseModel):
    """Entries that failed alike; `fingerprint` is the same for errors that differ in numbers only."""

    model_config = ConfigDict(from_attributes=True)

    reason: str
    type: str
    fingerprint: str
    count: int
    customers: int
    first_at: datetime
    last_at: datetime
    error: str
    sample_id: int


class Groups(BaseModel):
    """The groups, the most frequent first; at most 200."""

    groups: list[GroupLine]


class Entry(BaseModel):
    """
    One entry without its content. `offset` is -1 where it did not come by Kafka; `waiting_behind` counts the
    customer's queue with it; `is_next` says that nothing of the queue comes before it.
    """

    model_config = ConfigDict(from_attributes=True)

    id: int
    status: str
    reason: str
    type: str
    fingerprint: str
    error: str
    customer_id: str
    topic: str
    partition: int
    offset: int
    at: datetime
    code_version: str
    waiting_behind: int
    is_next: bool


class Wanted(BaseModel):
    """Which entries; `after` is the `next` of the page before."""

    reason: Text | None = None
    type: Text | None = None
    fingerprint: Text | None = None
    customer_id: Text | None = None
    status: Fate = "waiting"
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100


class EntryPage(BaseModel):
    """A page; `next` is the `after` of the page that follows, absent on the last one."""

    entries: list[Entry]
    next: int | None = None


class Bytes(BaseModel):
    """Bytes as they came: `text` where they are UTF-8, else `base64`."""

    text: str | None = None
    base64: str | None = None


class Header(Bytes):
    """One header of a record, in the record's order."""

    name: str


class Original(BaseModel):
    """The record itself; it may hold personal data, so each view is recorded."""

    key: Bytes | None
    value: Bytes | None
    headers: list[Header]


class EntryDetail(Entry):
    """One entry with its record; none where its customer was forgotten."""

    record: Original | None


class GroupChoice(BaseModel):
    """A group: what the entries have in common; at least one of them is named."""

    model_config = ConfigDict(extra="forbid")

    reason: Text | None = None
    type: Text | None = None
    fingerprint: Text | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.reason or self.type or self.fingerprint):
            raise ValueError("names nothing")
        return self


class Release(BaseModel):
    """
    What is to be released: a customer, one entry, or a group; `reason` says why, and only a dry run needs none.

    A group is released page by page: `limit` customers a call, and `after` is the `next` of the call before.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"customer_id": "C000042", "dry_run": True},
                {"group": {"reason": "decide_raised"}, "reason": "mended in 1.4.2"},
            ]
        },
    )

    customer_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    group: GroupChoice | None = None
    dry_run: bool = False
    reason: Why | None = None
    after: Annotated[str, Field(max_length=130, pattern=r"^(#\d{1,18}|=.*)?$")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(each is not None for each in (self.customer_id, self.id, self.group)) != 1:
            raise ValueError("must name one of customer_id, id, group")
        if self.reason is None and not self.dry_run:
            raise ValueError("needs a reason")
        return self


class StepLine(BaseModel):
    """One place of a queue: decided, repeated, nothing, or fails; `changed` names fields of the state."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    id: str
    time: datetime | None
    outcome: Literal["decided", "repeated", "nothing", "fails"]
    error: str
    stage_before: str
    stage: str
    wake_at: datetime | None
    changed: list[str]


class SaidLine(BaseModel):
    """An event that the tick would publish."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    data: dict[str, Any]


class StartLine(BaseModel):
    """An effect that the tick would start."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    effect_id: str
    not_before: datetime
    not_after: datetime


class TickAhead(BaseModel):
    """The tick behind the release; none comes while another service parks the customer (`parked_by`)."""

    model_config = ConfigDict(from_attributes=True)

    publishes: list[SaidLine]
    starts: list[StartLine]
    withdraws: list[str]
    stage: str
    wake_at: datetime | None
    parked_by: list[str]
    error: str


class Outcome(BaseModel):
    """
    What a release came to, or would: `decided` places of the queue, `left` ones, and the `error` that stopped it.

    `steps` and `tick` are told by a dry run only; `customer_id` is "" for a record of nobody.
    """

    model_config = ConfigDict(from_attributes=True)

    customer_id: str
    decided: int
    left: int
    error: str = ""
    steps: list[StepLine] = []
    tick: TickAhead | None = None


class Outcomes(BaseModel):
    """One for each customer and record; `next` is the `after` of the page that follows, absent on the last one."""

    dry_run: bool
    outcomes: list[Outcome]
    next: str | None = None


class Discard(BaseModel):
    """Why the entry is not needed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "a test message of the bank's release 7"}]},
    )

    reason: Why
