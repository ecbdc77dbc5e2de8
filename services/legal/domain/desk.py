"""The desk at which one look is taken: what is published and started in it, in order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.legal.domain.state import (
    EFFECT_KIND,
    STAGES,
    Kind,
    Proceedings,
    Sending,
    Stage,
    Step,
    effect_id,
    permit_id,
)
from services.legal.policy import LegalPolicy
from shared.decision import Effect, Publish
from shared.events.common import FollowUpRequested, FollowUpWithdrawn
from shared.events.envelope import Fact
from shared.events.legal import LegalWithdrawn
from shared.events.permits import Permit, PermitRequested
from shared.ids import derive
from shared.permits.permitted import carried


@dataclass(slots=True)
class Desk:
    """One look at the proceedings against a customer; `follow_up_id` are those in hand."""

    customer_id: str
    now: datetime
    policy: LegalPolicy
    is_held: bool
    follow_up_id: str = ""
    published: list[Publish] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    def say(self, about: str, fact: Fact) -> None:
        """Publish *fact*; *about* is unique among the facts of its type."""
        self.published.append(Publish(about, fact))

    def wait(self, each: Proceedings, step: Step, due_at: datetime) -> Proceedings:
        """Do *step* when the scheduler says that *due_at* has come; one follow-up is awaited at a time."""
        each = self.no_wait(each)
        asked = each.asked + 1
        wanted = derive("legal", self.customer_id, self.follow_up_id, "ask", asked)
        self.say(
            wanted,
            FollowUpRequested(
                customer_id=self.customer_id,
                follow_up_id=wanted,
                due_at=due_at,
                purpose=f"legal.{step}",
            ),
        )
        return replace(each, step=step, asked=asked, wanted=wanted, ready=False, held=False)

    def no_wait(self, each: Proceedings) -> Proceedings:
        """Take the request back, unless it came already."""
        if each.wanted and not each.came:
            self.say(
                each.wanted,
                FollowUpWithdrawn(customer_id=self.customer_id, follow_up_id=each.wanted),
            )
        return replace(each, wanted="", came=False)

    def send(
        self, each: Proceedings, kind: Kind, stage: Stage, request: dict[str, Any], sending: Sending
    ) -> Proceedings:
        """Start an effect: it may leave from now on, within the policy's window."""
        number = each.sent + 1
        this_id = effect_id(self.customer_id, self.follow_up_id, kind, number)
        until = self.now + timedelta(days=self.policy.window_days)
        region = each.situation.region if each.situation else ""
        about = {"effect_id": this_id, "follow_up_id": self.follow_up_id, "region": region}
        self.effects.append(
            Effect(this_id, EFFECT_KIND[kind], {**request, **about}, self.now, until)
        )
        return replace(
            each,
            stage=stage,
            ready=False,
            sent=number,
            current=this_id,
            sendings={**each.sendings, this_id: sending},
        )

    def ask(self, each: Proceedings, sending: Sending) -> Proceedings:
        """Ask leave for a letter to the debtor: it is started when leave is given."""
        number = each.sent + 1
        this_id = effect_id(self.customer_id, self.follow_up_id, sending.kind, number)
        asked = PermitRequested(
            customer_id=self.customer_id,
            permit_id=permit_id(self.customer_id, this_id),
            follow_up_id=self.follow_up_id,
            channel="letter",
            point_id=sending.point_id,
            not_before=self.now,
            not_after=self.now + timedelta(days=self.policy.window_days),
            purpose="legal_process",
            template="legal.letter",
        )
        self.say(asked.permit_id, asked)
        waiting = replace(sending, permit_id=asked.permit_id)
        return replace(
            each,
            stage="letter",
            ready=False,
            sent=number,
            current=this_id,
            sendings={**each.sendings, this_id: waiting},
        )

    def start(self, each: Proceedings, request: dict[str, Any], permit: Permit) -> None:
        """Start the letter in hand, within its permit."""
        about = {"effect_id": each.current, "follow_up_id": self.follow_up_id}
        region = each.situation.region if each.situation else ""
        whole = {**request, **about, "region": region, **carried(permit)}
        kind = EFFECT_KIND[each.sendings[each.current].kind]
        self.effects.append(Effect(each.current, kind, whole, permit.not_before, permit.not_after))

    def advance(self, each: Proceedings, stage: Stage) -> Proceedings:
        """Go on to *stage*, if the proceedings are under way and not that far yet; nothing else is due then."""
        if each.stage == "ended" or STAGES.index(stage) <= STAGES.index(each.stage):
            return each
        if each.current:
            self.withdrawn.append(each.current)  # a second try, while the first had left after all
        each = self.no_wait(each)
        return replace(each, stage=stage, ready=False, held=False, current="", recalled=False)

    def give_up(self, each: Proceedings, reason: str, permit_id: str = "") -> Proceedings:
        """End the proceedings and say why; *permit_id* is that of a letter that may have left."""
        self.say(
            self.follow_up_id,
            LegalWithdrawn(
                customer_id=self.customer_id,
                follow_up_id=self.follow_up_id,
                reason=reason,
                permit_id=permit_id,
            ),
        )
        return self.end(each)

    def end(self, each: Proceedings) -> Proceedings:
        """Keep only what a late or repeated fact has to be compared with."""
        self.no_wait(each)
        return Proceedings(
            episode=each.episode,
            stage="ended",
            ready=False,
            joined=each.joined,
            assessments=each.assessments,
            sendings=each.sendings,
            sent=each.sent,
            case_no=each.case_no,
            was_stopped=bool(each.stop),
            ended_at=self.now,
        )
