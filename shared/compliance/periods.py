"""
Legal periods as pure functions on local dates: when one is over, and how sure that is (RULES.md sections 3 and 5).

The numbers come from the packs' clocks or are arguments; what stands here is how days are counted.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from shared.compliance.calendars import WorkCalendar
from shared.compliance.pack import Clock
from shared.compliance.rules import Span

_LONGEST_REST_DAYS = 31
_MONTHS = 12
State = Literal["running", "expired", "unknown"]


@dataclass(frozen=True, slots=True)
class Ending:
    """
    The last day of a period, included until 24:00 local time.

    `nominal` is the last day by counting alone, `day` the one after rolling over days of rest. Where the calendar
    does not know the days in between (`certain` is False) `day` is a prediction: whoever must act within the
    period acts by `act_by`.
    """

    day: date
    nominal: date
    certain: bool = True

    @property
    def act_by(self) -> date:
        """The last day on which acting is in time whatever the calendar turns out to be."""
        return self.day if self.certain else self.nominal

    def state(self, on: date) -> State:
        """Tell whether the period runs on the local date *on*; unknown where only the calendar could say."""
        if on <= self.act_by:
            return "running"
        if self.certain or on > self.nominal + timedelta(days=_LONGEST_REST_DAYS):
            return "expired"
        return "unknown"


def months_after(day: date, months: int) -> date:
    """Answer the day that corresponds to *day* so many months later; the month's last where it has none (Art. 202)."""
    index = day.year * _MONTHS + day.month - 1 + months
    year, month = index // _MONTHS, index % _MONTHS + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def rolled(nominal: date, calendar: WorkCalendar) -> Ending:
    """Answer the end of a period whose last day, if one of rest, gives way to the next working day (Art. 203)."""
    day = calendar.on_or_after(nominal)
    return Ending(day, nominal, calendar.knows(nominal) and calendar.knows(day))


def clock_ending(clock: Clock, began: date, calendar: WorkCalendar | None = None) -> Ending:
    """
    Answer when the *clock* of a pack, which began on the local date *began*, is over.

    Years and months end on the corresponding day; the first day is not counted. `cn_civil_code` rolls over
    days of rest and needs *calendar*. Raises ValueError for a clock without a length (a gap is none).
    """
    if clock.years is not None:
        nominal = months_after(began, clock.years * _MONTHS)
    elif clock.months is not None:
        nominal = months_after(began, clock.months)
    elif clock.days is not None:
        return span_over(
            began, Span(days=clock.days, mode=clock.period or "exclude_first_day"), calendar
        )
    else:
        raise ValueError("the clock has no length")
    if clock.period != "cn_civil_code":
        return Ending(nominal, nominal)
    return rolled(nominal, _needed(calendar))


def span_over(began: date, span: Span, calendar: WorkCalendar | None = None) -> Ending:
    """
    Answer the last local date that a *span* from the local date *began* covers.

    local_dates and inclusive_first_day count the first day; exclude_first_day and after_end do not;
    uk_not_before ends the day before the one that is so many days later; business_days counts working days
    after *began*; cn_civil_code does not count the first day and rolls over days of rest. The last two need
    *calendar* (ValueError without).
    """
    if span.mode == "cn_civil_code":
        return rolled(began + timedelta(days=span.days), _needed(calendar))
    if span.mode == "business_days":
        working = _needed(calendar)
        last = working.after(began, span.days)
        return Ending(last, last, working.knows(last))
    first_counts = span.mode in ("local_dates", "inclusive_first_day", "uk_not_before")
    last = began + timedelta(days=span.days - first_counts)
    return Ending(last, last)


@dataclass(frozen=True, slots=True)
class Validation:
    """The validation period of Regulation F: when its notice counts as received, and the last day to dispute."""

    received_on: date
    ending: Ending


def validation_period(
    sent_on: date, calendar: WorkCalendar, *, receipt_days: int = 5, days: int = 30
) -> Validation:
    """
    Answer the validation period of a notice sent on *sent_on* (12 CFR 1006.34(b)(5)).

    Receipt may be assumed *receipt_days* after sending, not counting Saturdays, Sundays and federal holidays
    (*calendar* is US-FED); the period ends *days* calendar days later. Sending it anew starts it anew.
    """
    received = span_over(sent_on, Span(days=receipt_days, mode="business_days"), calendar)
    last = received.day + timedelta(days=days)
    return Validation(received.day, Ending(last, last, received.certain))


def plan_must_end_by(signed_on: date, months: int = 60) -> date:
    """Answer the last day that a personal instalment plan may reach (信用卡办法 Art. 70: at most five years)."""
    return months_after(signed_on, months)


def moratorium(began: date, days: int = 60) -> Ending:
    """Answer the last day of a moratorium of *days* that begin with the first (SI 2020/1311 reg. 26)."""
    return span_over(began, Span(days=days, mode="inclusive_first_day"))


def default_notice_date(served_on: date, days: int = 14) -> date:
    """Answer the first date that a default notice may name: not less than *days* after service (CCA s. 88(2))."""
    return span_over(served_on, Span(days=days, mode="uk_not_before")).day + timedelta(days=1)


def claim_may_be_issued_on(letter_dated: date, days: int = 30) -> date:
    """Answer the first day after the *days* that the debtor has to answer a letter of claim (PAP Debt Claims)."""
    return span_over(letter_dated, Span(days=days, mode="after_end")).day + timedelta(days=1)


def kept_until(period: str, since: date) -> date:
    """Answer the last day on which a record must be kept that is to be kept for *period* (P3Y, P6M, P90D) from *since*."""
    count, unit = int(period[1:-1]), period[-1]
    if unit == "D":
        return since + timedelta(days=count)
    return months_after(since, count * (_MONTHS if unit == "Y" else 1))


def effective_pair(first: date, second: date, clock: Clock) -> bool:
    """Tell whether two demands are so far apart that they prove a malicious overdraft (法释2018-19 Art. 7)."""
    return abs((second - first).days) >= (clock.min_gap_days or 0)


def _needed(calendar: WorkCalendar | None) -> WorkCalendar:
    if calendar is None:
        raise ValueError("this period rolls over days of rest: it needs a calendar")
    return calendar
