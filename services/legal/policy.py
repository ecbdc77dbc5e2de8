"""What the bank chooses for legal steps: which case is fit for the court, and how long each side has. Pure."""

from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from shared.calendars import at_local, local_date
from shared.events.scheduler import Amount, Situation

Criterion = Literal["amount", "dpd", "dispute", "solvency", "country", "no_address"]


class LegalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of legal steps; amounts in minor units, dates in `business_zone`.

    Fit for the court is a case of which something overdue reaches `min_overdue_minor` of its currency
    (a currency that is not listed is not sued for), at least `min_dpd` days past due, with none of
    `dispute_flags`, of a solvent debtor (none of `insolvency_flags`, no grade of `hopeless_grades`;
    with security either is no obstacle), in a country with a court in `courts`, at a known address.

    An unfit case is assessed again every `reassess_after_days`, `max_assessments` times in all. The
    demand letter gives `reply_within_days`; after a judgment the debtor has `grace_days` to pay
    before it is enforced. What is due happens at `at`. A letter or filing may leave within
    `window_days`; one that did not is tried again after `retry_after_days`, `max_tries` times in all.
    Ended proceedings are remembered for `keep_days`.

    Letters are written in the debtor's language if there is a template, else in `letter_language`;
    what goes to courts in `court_language`. `creditors` tells how a creditor is called, by its code
    and then by language (a code that is not named stands for itself). Raises ValueError for a threshold below 1.
    """

    min_overdue_minor: dict[str, int] = msgspec.field(
        default_factory=lambda: {
            "CNY": 500_000,
            "EUR": 70_000,
            "HKD": 550_000,
            "SGD": 100_000,
            "TWD": 2_000_000,
            "USD": 70_000,
        }
    )
    min_dpd: int = 90
    dispute_flags: tuple[str, ...] = ("dispute", "disputed")
    insolvency_flags: tuple[str, ...] = ("bankrupt", "insolvent", "no_assets")
    hopeless_grades: tuple[str, ...] = ("F",)
    courts: dict[str, str] = msgspec.field(
        default_factory=lambda: {
            "CN": "CN/basic-peoples-court",
            "HK": "HK/district-court",
            "MO": "MO/court-of-first-instance",
            "SG": "SG/district-court",
            "TW": "TW/district-court",
        }
    )
    reassess_after_days: int = 30
    max_assessments: int = 3
    reply_within_days: int = 15
    grace_days: int = 15
    retry_after_days: int = 3
    max_tries: int = 3
    window_days: int = 10
    keep_days: int = 365
    letter_language: str = "zh-CN"
    court_language: str = "zh-CN"
    creditors: dict[str, dict[str, str]] = msgspec.field(
        default_factory=lambda: {"": {"zh-CN": "您的贷款银行", "en": "Your bank"}}
    )
    hotline: str = "400-000-0000"
    at: time = time(12)
    business_zone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing could be measured by."""
        if min(self.min_overdue_minor.values(), default=1) < 1:
            raise ValueError("min_overdue_minor must be at least 1 in every currency")

    def against(self, situation: Situation | None) -> tuple[str, ...]:
        """Name each criterion that speaks against the court, in a fixed order; none: the case is fit."""
        if situation is None:
            return ("no_situation",)
        criteria: dict[Criterion, bool] = {
            "amount": self.claim(situation) is None,
            "dpd": situation.dpd < self.min_dpd,
            "dispute": any(flag in self.dispute_flags for flag in situation.flags),
            "solvency": not situation.secured and self._is_hopeless(situation),
            "country": situation.country not in self.courts,
            "no_address": situation.address_point_id is None,
        }
        return tuple(name for name, speaks_against in criteria.items() if speaks_against)

    def claim(self, situation: Situation) -> Amount | None:
        """Choose the amount to sue for: currencies are never summed, one position is claimed.

        It is the position that is the greatest multiple of its currency's threshold, the first by
        currency code among equals; None if no position reaches its threshold.
        """
        worth = [
            (-Fraction(amount.amount_minor, self.min_overdue_minor[amount.currency]), amount)
            for amount in situation.overdue
            if amount.amount_minor >= self.min_overdue_minor.get(amount.currency, 10**16)
        ]
        best = min(worth, key=lambda entry: (entry[0], entry[1].currency), default=None)
        return best[1] if best else None

    def reply_by_on(self, sent_at: datetime) -> date:
        """Answer the last day on which a demand letter sent at *sent_at* can be answered."""
        return self._date(sent_at) + timedelta(days=self.reply_within_days)

    def after(self, now: datetime, days: int) -> datetime:
        """Answer the instant (UTC) at which the business day *days* after *now* is dealt with."""
        return self.on(self._date(now) + timedelta(days=days))

    def on(self, day: date) -> datetime:
        """Answer the instant (UTC) at which *day* is dealt with."""
        return at_local(day, self.at, ZoneInfo(self.business_zone))

    def _date(self, instant: datetime) -> date:
        return local_date(instant, ZoneInfo(self.business_zone))

    def _is_hopeless(self, situation: Situation) -> bool:
        return situation.risk_grade in self.hopeless_grades or any(
            flag in self.insolvency_flags for flag in situation.flags
        )
