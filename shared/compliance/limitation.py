"""
Limitation in China (民法典 Arts. 188-203, 法释〔2020〕诉讼时效规定, 法释〔2021〕银行卡规定): what interrupts it and what suspends it.

    facts of one debt --interruptions--> limitation(...) -> Ending

A period once over is not interrupted any more; only an agreement of the debtor begins it anew (Art. 192).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.compliance.calendars import WorkCalendar
from shared.compliance.pack import Clock
from shared.compliance.periods import Ending, clock_ending, months_after, rolled

BEIJING = ZoneInfo("Asia/Shanghai")
SUSPENDING_MONTHS = 6
"""An obstacle in the last six months suspends, and six months remain when it is gone (Art. 194)."""
LONGEST_YEARS = 20
"""Twenty years after the right was hurt nothing is protected any more (Art. 188 para. 2)."""
FAR = date(9999, 12, 31)
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Demand:
    """
    A demand by message or letter: when it was sent, and whether and when it arrived.

    `arrived_at` None: nobody knows of an arrival. When a receipt was recorded does not matter, only what it
    tells. `to_reserved`: sent to the number or address that the debtor had left with the bank.
    `should_have_arrived`: it lies with the debtor that it did not.
    """

    sent_at: datetime
    arrived_at: datetime | None = None
    to_reserved: bool = True
    should_have_arrived: bool = False
    debtor: str = ""


@dataclass(frozen=True, slots=True)
class Interruption:
    """
    The limitation begins anew on `on` (Art. 195), for `debtor` (none: for all).

    `until` is the end of a lawsuit or the like: the period begins anew when that is over; `pending` says that
    it is not. `agreed`: the debtor agreed to pay, which also helps after the period was over.
    """

    on: date
    debtor: str = ""
    until: date | None = None
    pending: bool = False
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The creditor could not act (Art. 194): from `began` to the day on which that was over; None: it lasts."""

    began: date
    ended: date | None = None


def interruption_of(demand: Demand, product: str) -> Interruption | None:
    """
    Answer what *demand* does to the limitation of a debt of *product*; None: nothing.

    A credit card: sending to the reserved number or address is enough, on the day of sending (银行卡规定 Art. 3(2)).
    Another loan: it must have arrived, or should have (诉讼时效规定 Art. 8(2)).
    """
    if product == "credit_card" and demand.to_reserved:
        return Interruption(_day(demand.sent_at), demand.debtor)
    if demand.arrived_at is not None:
        return Interruption(_day(demand.arrived_at), demand.debtor)
    if demand.should_have_arrived:
        return Interruption(_day(demand.sent_at), demand.debtor)
    return None


def limitation(
    clock: Clock,
    due_on: Iterable[date],
    calendar: WorkCalendar,
    *,
    interruptions: Iterable[Interruption] = (),
    obstacles: Iterable[Obstacle] = (),
    debtor: str = "",
    joint: frozenset[str] = frozenset(),
) -> Ending | None:
    """
    Answer the last day on which the court still helps; None while a lawsuit or an obstacle stops the clock.

    *clock* is the pack's (three years, cn_civil_code). *due_on* are the due dates of the instalments: the last one
    counts (Art. 189). What happened to one of the *joint* debtors counts for all of them (诉讼时效规定 Art. 15);
    *debtor* says for whom to answer. The order of the facts does not matter.
    """
    last_due = begins = max(due_on)
    stops = sorted(obstacles, key=lambda each: (each.began, each.ended or FAR))
    ending = _suspended(clock_ending(clock, last_due, calendar), stops, calendar)
    concerned = joint | {debtor, ""} if debtor in joint else {debtor, ""}
    for event in sorted(interruptions, key=lambda each: (each.on, each.until or each.on)):
        if event.debtor not in concerned or event.on < last_due:
            continue
        if ending is not None and event.on > ending.day and not event.agreed:
            continue
        if event.pending:
            return None
        begins = max(begins, event.until or event.on)
        ending = _suspended(clock_ending(clock, begins, calendar), stops, calendar)
    if ending is None:
        return None
    longest = rolled(months_after(last_due, LONGEST_YEARS * _MONTHS), calendar)
    return min(ending, longest, key=lambda each: each.day)


def guarantee_period(clock: Clock, due_on: date, calendar: WorkCalendar) -> Ending:
    """Answer the last day to call on a guarantor (Art. 692: six months where nothing is agreed; nothing stops it)."""
    return clock_ending(clock, due_on, calendar)


def _suspended(ending: Ending, stops: list[Obstacle], calendar: WorkCalendar) -> Ending | None:
    """Move *ending* behind the obstacles that reach into its last six months; None while one lasts."""
    for stop in stops:
        reaches = months_after(ending.nominal, -SUSPENDING_MONTHS)
        if stop.began > ending.day or (stop.ended is not None and stop.ended <= reaches):
            continue
        if stop.ended is None:
            return None
        later = rolled(months_after(stop.ended, SUSPENDING_MONTHS), calendar)
        ending = max(ending, later, key=lambda each: each.day)
    return ending


def _day(instant: datetime) -> date:
    return instant.astimezone(BEIJING).date()
