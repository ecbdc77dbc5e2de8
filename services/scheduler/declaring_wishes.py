"""What customers allow and do not: opt-outs and opt-ins, inconvenient times, consent."""

from datetime import date, time
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import override

from services.scheduler.declaring_kinds import Accounts, Declared, Taking
from shared.events import commands, declarations
from shared.events.commands import Happened
from shared.events.scheduler import Channel
from shared.http.commands import ReferenceField, wrong

KindField = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
TopicField = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_]*$")]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Scoped(Declared):
    """A point (by any channel), a channel (at any point), a topic, or all that we send by machines (`caller`)."""

    scope: Literal["point", "channel", "topic", "caller"]
    point_id: ReferenceField | None = None
    channel: Channel | None = None
    topic: TopicField = ""

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        fields = {"point_id": self.point_id, "channel": self.channel, "topic": self.topic}
        named = {name: value for name, value in fields.items() if value}
        wanted = {"point": "point_id", "caller": ""}.get(self.scope, self.scope)
        if set(named) != {wanted} - {""}:
            place = wanted or min(named)
            raise wrong(f"body.{place}", f"the scope {self.scope} is named by its own field alone")
        return {"scope": self.scope, **named, **taking.point(self.point_id)}


class OptOut(Scoped):
    """No more contact there."""

    model: ClassVar[type[Happened]] = commands.OptOutDeclared
    kind: Literal["opt_out"]


class OptIn(Scoped):
    """Contact there is welcome again; an opt-out of the same instant is stronger."""

    model: ClassVar[type[Happened]] = declarations.OptInDeclared
    kind: Literal["opt_in"]


class DoNotCall(Declared):
    """No more calls."""

    model: ClassVar[type[Happened]] = commands.DoNotCallDeclared
    kind: Literal["do_not_call"]


class Window(BaseModel):
    """From `start` to `end` of the customer's local time; one that ends before it starts goes on after midnight."""

    model_config = ConfigDict(extra="forbid")

    start: time
    end: time
    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(default=[], max_length=7)


class InconvenientTimes(Declared):
    """Local times at which contact is not convenient; `days` count from Monday, 1 (none: every day)."""

    model: ClassVar[type[Happened]] = commands.InconvenientDeclared
    kind: Literal["inconvenient_times"]
    windows: Annotated[list[Window], Field(min_length=1, max_length=21)]

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        for index, window in enumerate(self.windows):
            if window.start.tzinfo or window.end.tzinfo:
                raise wrong(f"body.windows.{index}", "local times have no time zone")
        return {"windows": [window.model_dump() for window in self.windows]}


class InconvenientWithdrawn(Declared):
    """All times that were named inconvenient are convenient again."""

    model: ClassVar[type[Happened]] = declarations.InconvenientWithdrawn
    kind: Literal["inconvenient_withdrawn"]


class StopSaid(Declared):
    """The customer said that we should stop: a person looks at what follows."""

    model: ClassVar[type[Happened]] = declarations.StopSaid
    kind: Literal["stop_said"]


class StopWithdrawn(Declared):
    """The customer takes that back."""

    model: ClassVar[type[Happened]] = declarations.StopWithdrawn
    kind: Literal["stop_withdrawn"]


class Consent(Declared):
    """
    The customer allows what a rule forbids without it; `consent` is the rules' word: quiet_hours, callback, work_email ...

    It ends with a local date, at an instant, or after so many days (the first counted); without any, when withdrawn.
    """

    model: ClassVar[type[Happened]] = declarations.ConsentGiven
    kind: Literal["consent"]
    consent: KindField
    account_ids: Accounts = []
    point_id: ReferenceField | None = None
    topic: TopicField = ""
    until_on: date | None = None
    until: AwareDatetime | None = None
    days: Days | None = None

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        ends = {"until_on": self.until_on, "until": self.until, "days": self.days}
        named = {name: value for name, value in ends.items() if value is not None}
        if len(named) > 1:
            raise wrong(f"body.{max(named)}", "a consent has one end")
        return {
            "kind": taking.consent(self.consent),
            "topic": self.topic,
            **named,
            **taking.accounts(self.account_ids),
            **taking.point(self.point_id),
        }


class ConsentWithdrawn(Declared):
    """The consent ends (for these debts; all without)."""

    model: ClassVar[type[Happened]] = declarations.ConsentWithdrawn
    kind: Literal["consent_withdrawn"]
    consent: KindField
    account_ids: Accounts = []

    @override
    def told(self, taking: Taking) -> dict[str, Any]:
        return {"kind": taking.consent(self.consent), **taking.accounts(self.account_ids)}


Wish = (
    OptOut
    | OptIn
    | DoNotCall
    | InconvenientTimes
    | InconvenientWithdrawn
    | StopSaid
    | StopWithdrawn
    | Consent
    | ConsentWithdrawn
)
