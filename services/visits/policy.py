"""What the bank chooses for field visits: who is visited, by whom, when, and how often. Pure."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shared.calendars import at_local, local_date, next_working_day, zone
from shared.events.scheduler import Situation
from shared.ids import derive

Criterion = Literal["amount", "dpd", "credit_history", "region", "no_address"]
STAFF_PER_VISIT = 2
"""Nobody goes to a debtor's door alone."""


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the field staff: the staff id, and the reference of the identity card to show."""

    staff_id: str
    identity_card: str


def _team(name: str) -> tuple[Staff, ...]:
    return tuple(
        Staff(staff_id=f"{name}-{number}", identity_card=f"CARD-{name}-{number}")
        for number in range(1, 5)
    )


class VisitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of field visits; amounts in minor units, times of day in the debtor's zone.

    Screening: something overdue reaches `min_overdue_minor` of its currency (a currency that is not
    listed is not visited), at least `min_dpd` days past due, or unreachable otherwise; who has an
    excellent history (a grade of `excellent_grades` or `excellent_cures` cures, and no broken promise)
    is visited from `patience_dpd` on only; the region is covered (`covered_regions` empty: all) and
    not excluded.

    The visit is on the first working day at least `days_ahead` days ahead; the order may leave
    from `order_from` to `order_until` of that day, and within its permit. `conduct` is what the order binds
    the staff to, and what the gate is told of the visit (with the number of staff); `says` what they are to say at the door, as the gate's
    tags. Leave that is refused
    with an instant is asked again then, `max_requests` times in all. An attempt that met nobody is repeated after
    `retry_after_days`, `max_attempts` in all; an order without a report is given up after
    `report_within_days`. Ended visits are remembered for `keep_days`. Orders
    are written in `staff_language` (zh-CN or en).

    `teams` are the staff by region, `*` for every other region. Raises ValueError for a team of one,
    and for a threshold below 1.
    """

    min_overdue_minor: dict[str, int] = msgspec.field(
        default_factory=lambda: {
            "CNY": 200_000,
            "EUR": 30_000,
            "HKD": 220_000,
            "SGD": 40_000,
            "TWD": 1_000_000,
            "USD": 30_000,
        }
    )
    min_dpd: int = 30
    excellent_grades: tuple[str, ...] = ("A",)
    excellent_cures: int = 3
    patience_dpd: int = 60
    covered_regions: tuple[str, ...] = ()
    excluded_regions: tuple[str, ...] = ()
    teams: dict[str, tuple[Staff, ...]] = msgspec.field(
        default_factory=lambda: {"*": _team("FIELD")}
    )
    days_ahead: int = 2
    order_from: time = time(12)
    order_until: time = time(20)
    conduct: dict[str, bool | int | str] = msgspec.field(
        default_factory=lambda: {
            "id_shown": True,
            "recording": True,
            "entry_consent_or_outside": True,
        }
    )
    says: tuple[str, ...] = (
        "institution_identity",
        "debt_existence",
        "debt_amount",
        "overdue_status",
    )
    max_requests: int = 3
    max_attempts: int = 2
    retry_after_days: int = 3
    report_within_days: int = 7
    keep_days: int = 60
    staff_language: str = "zh-CN"
    business_zone: str = "Asia/Shanghai"
    country: str = "CN"

    def __post_init__(self) -> None:
        """Refuse rosters that could not send two people to every door."""
        if "*" not in self.teams:
            raise ValueError("teams needs an entry `*` for the regions without a team of their own")
        small = sorted(name for name, staff in self.teams.items() if len(staff) < STAFF_PER_VISIT)
        if small:
            raise ValueError(f"a visit needs two members of staff; too small: {', '.join(small)}")
        if min(self.min_overdue_minor.values(), default=1) < 1:
            raise ValueError("min_overdue_minor must be at least 1 in every currency")

    def against(self, situation: Situation) -> tuple[Criterion, ...]:
        """Name each criterion that speaks against a visit, in the order of screening."""
        criteria: dict[Criterion, bool] = {
            "amount": not self._is_worth_it(situation),
            "dpd": situation.dpd < self.min_dpd and not situation.unreachable,
            "credit_history": self._is_trusted(situation) and situation.dpd < self.patience_dpd,
            "region": not self.covers(situation.region),
            "no_address": situation.address_point_id is None,
        }
        return tuple(name for name, speaks_against in criteria.items() if speaks_against)

    def covers(self, region: str) -> bool:
        """Tell whether the field staff go to *region*."""
        if region in self.excluded_regions:
            return False
        return not self.covered_regions or region in self.covered_regions

    def score(self, situation: Situation) -> int:
        """Order the proposals of a team, higher first: days past due, size of the debt, broken promises."""
        times = max(
            amount.amount_minor // self.min_overdue_minor[amount.currency]
            for amount in situation.overdue
            if amount.currency in self.min_overdue_minor
        )
        return min(situation.dpd, 180) + 10 * min(times, 20) + 20 * situation.broken_promises

    def staff_for(self, visit_id: str, region: str) -> tuple[Staff, Staff]:
        """Choose two of the region's team by the visit's id: the same visit, the same two, spread evenly."""
        team = self.teams.get(region, self.teams["*"])
        first = UUID(visit_id).int % len(team)
        others = team[:first] + team[first + 1 :]
        return team[first], others[UUID(derive(visit_id, "second")).int % len(others)]

    def day_of_visit(self, situation: Situation, now: datetime) -> date:
        """Answer the first working day at the debtor's place that leaves `days_ahead` days to prepare."""
        earliest = local_date(now, self.zone_of(situation)) + timedelta(days=self.days_ahead)
        return next_working_day(earliest, situation.country or self.country)

    def window(self, situation: Situation, visit_on: date) -> tuple[datetime, datetime]:
        """Answer from when until when (UTC) the order for that day may leave."""
        where = self.zone_of(situation)
        return (
            at_local(visit_on, self.order_from, where),
            at_local(visit_on, self.order_until, where),
        )

    def report_due_at(self, situation: Situation, visit_on: date) -> datetime:
        """Answer when (UTC) a visit without a report is given up."""
        last = visit_on + timedelta(days=self.report_within_days)
        return at_local(last, self.order_from, self.zone_of(situation))

    def retry_at(self, now: datetime) -> datetime:
        """Answer when (UTC) the next attempt is to be prepared."""
        where = ZoneInfo(self.business_zone)
        again_on = local_date(now, where) + timedelta(days=self.retry_after_days)
        return at_local(again_on, self.order_from, where)

    def zone_of(self, situation: Situation) -> ZoneInfo:
        """Answer the zone of the debtor's clock, by which the hours of a visit are meant."""
        return zone(situation.time_zones, self.business_zone)

    def _is_worth_it(self, situation: Situation) -> bool:
        return any(
            amount.amount_minor >= self.min_overdue_minor[amount.currency]
            for amount in situation.overdue
            if amount.currency in self.min_overdue_minor
        )

    def _is_trusted(self, situation: Situation) -> bool:
        good = (
            situation.risk_grade in self.excellent_grades or situation.cures >= self.excellent_cures
        )
        return good and situation.broken_promises == 0
