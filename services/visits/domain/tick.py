"""Look at the visits of a customer: read the reports, end what must end, and plan what is due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from services.visits.domain.plan import plan, schedule
from services.visits.domain.state import (
    AT_THE_DOOR,
    NOT_MADE,
    Answer,
    FieldBook,
    Report,
    Visit,
    order_id,
    stage_of,
    visit_id,
)
from services.visits.policy import VisitPolicy
from shared.decision import Decision, Effect, Publish
from shared.events.common import FollowUpRequested, FollowUpWithdrawn
from shared.events.envelope import Fact
from shared.events.visits import (
    VisitCancelled,
    VisitCompleted,
    VisitFailed,
    VisitOutcome,
    VisitPromiseMade,
)
from shared.ids import derive

OUTCOMES: dict[str, VisitOutcome] = {
    "met": "met",
    "absent": "absent",
    "moved": "moved",
    "promised": "promised",
    "hardship": "hardship",
    "refused_to_talk": "refused",
}
"""How a report from the door is published; a worker's `refused` is another thing (it did not leave)."""
NO_PERMIT = "no_permit"


def look(
    book: FieldBook, customer_id: str, now: datetime, policy: VisitPolicy
) -> Decision[FieldBook]:
    """Decide a tick: every visit in the order of the follow-up ids, then forget what ended long ago."""
    tick = _Tick(customer_id=customer_id, now=now, policy=policy, is_held=bool(book.holds))
    visits = dict(book.visits)
    for follow_up_id in sorted(visits):
        tick.follow_up_id = follow_up_id
        is_alone = not any(each.attempt and each.stage != "ended" for each in visits.values())
        visits[follow_up_id] = tick.advance(visits[follow_up_id], is_alone=is_alone)
    kept = _remembered(visits, now - timedelta(days=policy.keep_days))
    after = replace(book, visits=kept, stage=stage_of(kept.values()), wake_at=None)
    return Decision(after, tuple(tick.published), tuple(tick.effects), tuple(tick.withdrawn))


def _remembered(visits: Mapping[str, Visit], since: datetime) -> dict[str, Visit]:
    return {k: v for k, v in visits.items() if v.ended_at is None or v.ended_at > since}


@dataclass(slots=True)
class _Tick:
    """One look at one visit after the other: what is published and started, in order."""

    customer_id: str
    now: datetime
    policy: VisitPolicy
    is_held: bool
    follow_up_id: str = ""
    published: list[Publish] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    def advance(self, visit: Visit, *, is_alone: bool) -> Visit:
        """Answer the visit as it is after this tick; what was reported comes before all else."""
        visit = self._hear(visit)
        if visit.stop:
            return self._end(self._call_off(visit, visit.stop))
        if visit.recalled:
            visit = self._recall(visit)
        if visit.answer is not None:
            visit = self._read(visit, visit.answer)
        if visit.came:
            visit = self._wake(visit)
        return self._take(visit, is_alone=is_alone) if visit.stage == "due" else visit

    # -- what was reported -------------------------------------------------------------------------

    def _hear(self, visit: Visit) -> Visit:
        report = visit.report
        if report is None:
            return visit
        visit = replace(visit, report=None, told=report.outcome)
        if report.outcome in AT_THE_DOOR:
            return self._complete(visit, report)
        if visit.stage not in ("scheduled", "ordered"):
            return visit
        if report.outcome in NOT_MADE:
            default = "expired" if report.outcome == "refused" else report.outcome
            is_over = report.outcome == "unknown"  # it may have left: never sent again by itself
            return self._fail(visit, report.reason or default, is_over=is_over)
        return replace(visit, stage="ordered", recalled="")

    def _complete(self, visit: Visit, report: Report) -> Visit:
        this_id = self._visit_id(visit)
        self._say(
            this_id,
            VisitCompleted(
                customer_id=self.customer_id,
                visit_id=this_id,
                follow_up_id=self.follow_up_id,
                outcome=OUTCOMES[report.outcome],
                permit_id=visit.permit_id,
            ),
        )
        if report.outcome == "promised" and report.promised_on is not None:
            promise_id = derive("visits", self.customer_id, this_id, "promise")
            self._say(
                promise_id,
                VisitPromiseMade(
                    customer_id=self.customer_id,
                    promise_id=promise_id,
                    follow_up_id=self.follow_up_id,
                    promised_on=report.promised_on,
                ),
            )
        if visit.stage not in ("scheduled", "ordered"):
            # it was given up already, and is heard of after all: only going there again can be wrong
            return visit if report.outcome == "absent" else self._end(visit)
        if report.outcome in ("absent", "moved"):
            return self._fail(visit, report.outcome, is_over=report.outcome == "moved")
        return self._end(visit)

    def _fail(self, visit: Visit, reason: str, *, is_over: bool) -> Visit:
        """Use an attempt up; another one follows unless it *is_over*, or enough were made."""
        made = visit.made + 1
        final = is_over or bool(visit.stop) or made >= self.policy.max_attempts
        self._say_failed(self._visit_id(visit), reason, final=final, permit_id=visit.permit_id)
        visit = replace(visit, made=made, recalled="", answer=None)
        if final:
            return self._end(visit)
        return self._ask(self._unask(visit), "visit.attempt", self.policy.retry_at(self.now))

    # -- what ends or is called back ---------------------------------------------------------------

    def _call_off(self, visit: Visit, reason: str) -> Visit:
        """Say that a planned visit is not made; its order was withdrawn when the reason became known."""
        if visit.stage in ("asked", "scheduled"):
            this_id = self._visit_id(visit)
            self._say(
                this_id,
                VisitCancelled(
                    customer_id=self.customer_id,
                    visit_id=this_id,
                    follow_up_id=self.follow_up_id,
                    reason=reason,
                    permit_id=visit.permit_id,
                ),
            )
        return replace(self._unask(visit), answer=None)

    def _recall(self, visit: Visit) -> Visit:
        called_off = self._call_off(visit, f"hold: {visit.recalled}")
        return replace(called_off, stage="due", recalled="", held=True)

    def _end(self, visit: Visit) -> Visit:
        """Keep only what a late or repeated fact has to be compared with."""
        self._unask(visit)
        return Visit(
            episode=visit.episode,
            stage="ended",
            attempt=visit.attempt,
            made=visit.made,
            permit_id=visit.permit_id,
            told=visit.told,
            ended_at=self.now,
        )

    # -- what the scheduler said of the permit -----------------------------------------------------

    def _read(self, visit: Visit, answer: Answer) -> Visit:
        """Schedule what got leave; what got none, or lost it, is asked again when it may be allowed, or fails."""
        visit = replace(visit, answer=None)
        if visit.stage not in ("asked", "scheduled"):
            return visit  # the staff had the order already
        if answer.permit is not None:
            whose = (self.customer_id, self.follow_up_id)
            scheduled, order, report_due_at = schedule(visit, whose, answer.permit, self.policy)
            self._say(scheduled.visit_id, scheduled)
            self.effects.append(order)
            granted = replace(visit, stage="scheduled", granted_at=answer.at, told="")
            return self._ask(granted, "visit.report", report_due_at)
        refused = visit.refused + 1
        visit = replace(visit, refused=refused)
        if answer.earliest_next is None or refused >= self.policy.max_requests:
            self._say_failed(
                self._visit_id(visit), NO_PERMIT, final=True, permit_id=visit.permit_id
            )
            return self._end(visit)
        if visit.stage == "scheduled":
            visit = self._call_off(visit, NO_PERMIT)
        return self._ask(self._unask(visit), "visit.permit", max(answer.earliest_next, self.now))

    # -- what is due -------------------------------------------------------------------------------

    def _wake(self, visit: Visit) -> Visit:
        """A requested follow-up came: it is time for the next attempt, or no report came in time."""
        visit = replace(visit, came=False, wanted="")
        if visit.stage == "waiting":
            return replace(visit, stage="due")
        self.withdrawn.append(order_id(self.customer_id, self.follow_up_id, visit.attempt))
        return self._fail(visit, "unreported", is_over=True)

    def _take(self, visit: Visit, *, is_alone: bool) -> Visit:
        if self.is_held:
            return replace(visit, held=True)
        if visit.held:
            return self._ask(replace(visit, held=False), "visit.again", self.now)
        reason = self._against(visit, is_alone=is_alone)
        if reason:
            this_id = visit_id(self.customer_id, self.follow_up_id, visit.attempt + 1)
            self._say_failed(this_id, reason, final=True)
            return self._end(visit)
        return self._plan(visit)

    def _against(self, visit: Visit, *, is_alone: bool) -> str:
        """Answer why there is no visit, empty if there is one: then the situation and address are known."""
        if visit.not_after is not None and self.now >= visit.not_after:
            return "expired"
        if not visit.attempt and not is_alone:
            return "screened_out:under_way"
        if visit.situation is None:
            return "screened_out:no_situation"
        reasons = self.policy.against(visit.situation)
        return f"screened_out:{reasons[0]}" if reasons else ""

    def _plan(self, visit: Visit) -> Visit:
        whose = (self.customer_id, self.follow_up_id)
        planned, facts = plan(visit, whose, self.now, self.policy)
        for fact in facts:
            self._say(self._visit_id(planned), fact)
        return planned

    # -- words -------------------------------------------------------------------------------------

    def _visit_id(self, visit: Visit) -> str:
        return visit_id(self.customer_id, self.follow_up_id, visit.attempt)

    def _say(self, about: str, fact: Fact) -> None:
        self.published.append(Publish(about, fact))

    def _say_failed(self, this_id: str, reason: str, *, final: bool, permit_id: str = "") -> None:
        self._say(
            this_id,
            VisitFailed(
                customer_id=self.customer_id,
                visit_id=this_id,
                follow_up_id=self.follow_up_id,
                reason=reason,
                final=final,
                permit_id=permit_id,
            ),
        )

    def _ask(self, visit: Visit, purpose: str, due_at: datetime) -> Visit:
        """Ask the scheduler to be reminded; a visit awaits one follow-up at a time."""
        asked = visit.asked + 1
        wanted = derive("visits", self.customer_id, self.follow_up_id, "ask", asked)
        self._say(
            wanted,
            FollowUpRequested(
                customer_id=self.customer_id, follow_up_id=wanted, due_at=due_at, purpose=purpose
            ),
        )
        stage = visit.stage if purpose == "visit.report" else "waiting"
        return replace(visit, stage=stage, asked=asked, wanted=wanted, came=False)

    def _unask(self, visit: Visit) -> Visit:
        """Take the request back, unless it came already."""
        if visit.wanted and not visit.came:
            self._say(
                visit.wanted,
                FollowUpWithdrawn(customer_id=self.customer_id, follow_up_id=visit.wanted),
            )
        return replace(visit, wanted="", came=False)
