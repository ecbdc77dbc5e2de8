"""What is known of one customer's record at a moment of the capture: the log, the points, the debts, the leave given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from shared.compliance.entries import Entry
from shared.compliance.proposal import Proposal
from shared.events import agencies, commands, contacts, core_banking, notifier, permits, scheduler
from shared.events.envelope import Event
from shared.lawful.manner import Manner
from shared.lawful.money import Money
from shared.lawful.unhanded import Unhanded
from shared.lawful.zones import existing
from shared.permits import outcomes, reading, running
from shared.permits.proposals import Act, Debt, Where, Whom, proposals

POINTS = frozenset({"point.known"})
_PURPOSES = {"letter": "legal_process"}
NEVER = datetime.min.replace(tzinfo=UTC)
LISTED = "agency_on_public_list"
_REMIND, _COLLECT = "reminder", "collect"
_THIRD_PARTY = "third_party"


@dataclass(frozen=True, slots=True)
class Leave:
    """
    A permit, when it was given, the log as it was known then (as the gate reads it), and what it was given for.

    `made` is one proposal for each kind of debt, at the instant of the grant. `here` is the log without what had not been
    handed over from a record that ended; None where nothing was under way.
    """

    permit: permits.Permit
    granted_at: datetime
    known: tuple[Entry, ...]
    made: tuple[Proposal, ...]
    by: str = ""
    here: tuple[Entry, ...] | None = None


@dataclass(slots=True)
class Record:
    """
    One person's record, grown event by event; `customers` are core banking's latest records, each with its time, by
    customer: that of the ended ones, too, whose own leave is judged by theirs. `subject` is whose fact is at hand.

    `listed` tells who was on the public list; `said` has, by message_id, the tags of what people wrote to the customer.
    """

    customer_id: str
    customers: dict[str, tuple[datetime, core_banking.CustomerUpdated]] = field(
        default_factory=dict
    )
    subject: str = ""
    accounts: dict[str, core_banking.AccountUpdated] = field(default_factory=dict)
    money: Money = field(default_factory=Money)
    log: dict[tuple[str, str], Entry] = field(default_factory=dict)
    steps: dict[str, scheduler.FollowUpDue] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    leaves: dict[str, Leave] = field(default_factory=dict)
    listed: dict[str, bool] = field(default_factory=dict)
    said: dict[str, frozenset[str]] = field(default_factory=dict)
    shared: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    unhanded: Unhanded = field(default_factory=Unhanded)

    def take(self, event: Event, manner: Manner) -> None:
        """Learn what the event tells, in the order in which the decider learnt it."""
        self.subject = event.subject
        self.money.take(event.data)
        match event.data:
            case core_banking.CustomerUpdated() as data if not self._reached_by(data, event):
                return
            case core_banking.AccountUpdated() as data:
                self.accounts[data.account_id] = data
            case scheduler.FollowUpDue() as data:
                self.steps[data.follow_up_id] = data
                for choice in data.choices:
                    if choice.permit is not None:
                        self._granted(choice.permit, event, self._step(data, choice, manner))
            case contacts.PermitAsked() | permits.PermitRequested() as data:
                self.asked[data.permit_id] = data
            case commands.MessageWritten() as data:
                self.said[data.message_id] = frozenset(data.tags)
            case permits.PermitGranted() as data:
                made = self._what_for(data, manner)
                self._granted(data.permit, event, made, data.by)
            case _:
                self._told(event)
        for entry in reading.entries(event):
            self._note(entry)

    def _reached_by(self, data: core_banking.CustomerUpdated, event: Event) -> bool:
        """Take core banking's record; answers whether the person is reached by its points: not where the record ended."""
        if event.time < self.customers.get(event.subject, (NEVER, data))[0]:
            return False
        self.customers[event.subject] = (event.time, data)
        if event.subject != self.customer_id:
            return False
        self.log = {k: e for k, e in self.log.items() if e.type not in POINTS}
        return True

    def absorb(self, other: "Record") -> None:
        """Go on with what was known of a record that turned out to be the same person's; nobody is reached by its points."""
        self.customers = {**other.customers, **self.customers}
        self.accounts = {**other.accounts, **self.accounts}
        self.money.absorb(other.money)
        self.log = {**{k: e for k, e in other.log.items() if e.type not in POINTS}, **self.log}
        self.unhanded.absorb(other.unhanded)
        self.shared = {**other.shared, **self.shared}
        self.steps = {**other.steps, **self.steps}
        self.asked = {**other.asked, **self.asked}
        self.leaves = {**other.leaves, **self.leaves}
        self.listed = {**other.listed, **self.listed}
        self.said = {**other.said, **self.said}

    def known(self) -> tuple[Entry, ...]:
        """Answer the log as the gate reads it."""
        return self._read(self.log)

    def by_agency(self, told: agencies.AgencyContacted, manner: Manner) -> tuple[Proposal, ...]:
        """Answer what an agency did, as if it had been proposed; what it said and how nobody tells."""
        act = Act(
            channel=told.channel, purpose=told.purpose, collector=told.agency, voice="human",
            conduct={LISTED: self.listed[told.agency]} if told.agency in self.listed else {},
            contacted=told.contacted,
        )  # fmt: skip
        self.subject = told.customer_id
        made = self._proposals(
            told.point_id, told.occurred_at, told.account_ids or tuple(self.accounts), act, manner
        )
        own = (f"/agencies/{told.agency}", told.contact_id)
        return tuple(
            replace(each, role=_THIRD_PARTY, party=told.party, reservation=own) for each in made
        )

    def _read(self, log: dict[tuple[str, str], Entry]) -> tuple[Entry, ...]:
        return tuple(reading.completed(log.values(), tuple(sorted(self.accounts))))

    def _note(self, entry: Entry) -> None:
        key = (entry.src, entry.id)
        known = self.log.get(key)
        if known is None or (known.rec or known.at) < (entry.rec or entry.at):
            self.log[key] = entry

    def _told(self, event: Event) -> None:
        """Learn what became of a contact, who shares a number, or which agency stood on the public list."""
        if isinstance(event.data, notifier.ContactPointShared):
            point = (event.subject, event.data.point_id)
            self.shared[point] = (event.data.k, event.data.rank + 1)
            return
        if isinstance(event.data, agencies.AgencyPlaced):
            self.listed[event.data.agency] = event.data.on_public_list
        key = (outcomes.SRC, outcomes.permit_of(event.data))
        known = self.log.get(key)
        if known is None:
            if found := outcomes.without_leave(event.data, event.time):
                self.log[found.src, found.id] = found
            return
        result = outcomes.result_of(event.data)
        if not result:
            return
        occurred_at = getattr(event.data, "occurred_at", None) or event.time
        self.log[key] = outcomes.with_outcome(known, result, occurred_at)

    def _granted(
        self, permit: permits.Permit, event: Event, made: tuple[Proposal, ...], by: str = ""
    ) -> None:
        here = self.unhanded.without(self.log, event.time)
        self.leaves[permit.permit_id] = Leave(
            permit, event.time, self.known(), made, by, None if here is None else self._read(here)
        )
        if made:
            entry = outcomes.reservation(permit, made, event.time)
            self.log[entry.src, entry.id] = entry

    def _step(
        self, due: scheduler.FollowUpDue, choice: scheduler.Choice, manner: Manner
    ) -> tuple[Proposal, ...]:
        """Answer what a step of the ladder, or a person's note, proposes by this choice."""
        assert choice.permit is not None
        debts = due.situation.accounts if due.situation is not None else ()
        act = Act(
            channel=choice.channel,
            purpose=due.purpose or (_REMIND if due.stage == _REMIND else _COLLECT),
            collector=manner.collector,
            voice=manner.voice,
            autodialled=manner.autodialled,
            tags=self._tags(
                choice.template, choice.channel, debts, manner, choice.permit.not_before
            )
            | self.said.get(choice.message_id, frozenset()),
            conduct=manner.conduct,
        )
        return self._permitted(choice.permit, debts, act, manner)

    def _what_for(self, granted: permits.PermitGranted, manner: Manner) -> tuple[Proposal, ...]:
        """Answer what was asked for by a person or a service, or what the next choice of a step proposes."""
        wanted = self.asked.get(granted.permit.permit_id)
        due = self.steps.get(granted.follow_up_id)
        if wanted is None:
            way = (granted.permit.channel, granted.permit.point_id)
            choices = due.choices if due is not None else ()
            for choice in choices:
                if due is not None and (choice.channel, choice.point_id) == way:
                    return self._step(due, replace(choice, permit=granted.permit), manner)
            return ()
        debts = tuple(getattr(wanted, "account_ids", ())) or granted.permit.accounts
        if not debts and due is not None and due.situation is not None:
            debts = due.situation.accounts
        tags = frozenset(getattr(wanted, "tags", ()))
        if template := getattr(wanted, "template", ""):
            at = granted.permit.not_before
            tags |= self._tags(template, wanted.channel, debts, manner, at)
        act = Act(
            channel=wanted.channel,
            purpose=wanted.purpose or _PURPOSES.get(wanted.channel, _COLLECT),
            collector=manner.collector,
            voice="human",
            tags=tags,
            conduct={**manner.conduct, **wanted.conduct},
            contacted=getattr(wanted, "contacted", ""),
            place=getattr(wanted, "place", ""),
            topic=getattr(wanted, "topic", ""),
        )
        return self._permitted(granted.permit, debts or tuple(self.accounts), act, manner)

    def _tags(
        self, template: str, channel: str, debts: Iterable[str], manner: Manner, at: datetime
    ) -> frozenset[str]:
        if manner.texts is None or self.subject not in self.customers:
            return frozenset()
        known = [self.accounts[each] for each in debts if each in self.accounts]
        roles = {account.collector_role for account in known}
        tags = manner.texts.tags(
            template, self.customers[self.subject][1].language, at.date(), products={a.product for a in known},
            role=_THIRD_PARTY if _THIRD_PARTY in roles else min(roles, default=""), channel=channel,
        )  # fmt: skip
        return frozenset() if tags is None else tags

    def _permitted(
        self, permit: permits.Permit, debts: Iterable[str], act: Act, manner: Manner
    ) -> tuple[Proposal, ...]:
        own = (outcomes.SRC, permit.permit_id)
        made = self._proposals(permit.point_id, permit.not_before, debts, act, manner)
        return tuple(replace(each, reservation=own) for each in made)

    def _proposals(
        self, point_id: str, at: datetime, debts: Iterable[str], act: Act, manner: Manner
    ) -> tuple[Proposal, ...]:
        if self.subject not in self.customers:
            return ()
        customer = self.customers[self.subject][1]
        points = {point.point_id: point for point in customer.contact_points}
        point = points.get(point_id)
        made = proposals(
            at,
            Whom(
                customer_id=self.subject, zones=existing(customer.time_zones),
                country=customer.jurisdiction.country, state=customer.jurisdiction.state or "",
                region=customer.region, language=customer.language,
                city=customer.jurisdiction.city or "",
            ),
            Where(point_id=point_id)
            if point is None
            else Where(
                point_id=point_id, party=point.party, zones=existing(point.zones), place=point.place or "",
            ),
            self._debts(debts),
            act,
            manner.periods,
        )  # fmt: skip
        share = self.shared.get((self.subject, point_id))
        return made if share is None else tuple(replace(each, share=share) for each in made)

    def _debts(self, debts: Iterable[str]) -> Iterator[Debt]:
        stated = running.stated(self.log.values())
        for account_id in debts:
            account = self.accounts.get(account_id)
            if account is None:
                yield Debt(account_id=account_id)
                continue
            terms = replace(
                running.terms_of(account),
                paid_on=tuple(self.money.paid_on(account_id)),
                stated_on=stated.get(account_id),
            )
            yield Debt(
                account_id=account_id, product=account.product, creditor=account.creditor,
                role=account.collector_role, creditor_kind=account.creditor_kind or "", terms=terms,
            )  # fmt: skip
