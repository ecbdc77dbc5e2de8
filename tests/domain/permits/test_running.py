"""Which legal periods run: a guarantor's and limitation, from the account's record, from payments, from what legal stated."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from shared.compliance.calendars import standard_calendars
from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.pack import Clock, Pack
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Allowed, ClockRule, Content, Party, When
from shared.events.core_banking import Guarantee
from shared.permits.proposals import Act, Debt, Where, Whom, proposals
from shared.permits.running import Periods, Terms, stated
from shared.services import strategy

PACKS = strategy(None).packs
CALENDARS = standard_calendars()
SHIPPED = Periods(PACKS, CALENDARS)
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = Whom(customer_id="C1", zones=("Asia/Shanghai",), country="CN", language="zh-CN")
JERSEY = Whom(customer_id="C1", zones=("America/New_York",), country="US", state="NJ")
GUARANTOR = Where(point_id="p-bail", party="guarantor")
CALL = Act(
    channel="call", purpose="collect", collector="bank", voice="human",
    tags=frozenset({"institution_identity"}), conduct={"recording": True},
)  # fmt: skip
DUE = date(2026, 4, 30)
ASKS_LIMITATION = Content(
    id="X.LATE", strength="firm", evidence="primary", must_not=("threat_suit",),
    when=When(limitation="expired"),
)  # fmt: skip
YEARS3 = Clock(years=3, period="cn_civil_code")


def debt(account_id="A", **terms):
    return Debt(
        account_id=account_id, product="consumer_loan", creditor="BANK", role="first_party",
        terms=Terms(**terms),
    )  # fmt: skip


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=SHANGHAI)


def made(day, *debts, where=GUARANTOR, whom=CHINA, periods=SHIPPED, act=CALL) -> Proposal:
    (one,) = proposals(noon(day), whom, where, debts, act, periods)
    return one


def refused(proposal):
    """The rules in the way, with the fact that each misses."""
    verdict = Gate(PACKS, CALENDARS).verdict(proposal, Known(()))
    return {reason.rule: reason.needs_fact for reason in verdict.reasons}


def test_a_guarantor_whose_guarantee_nobody_told_of_is_not_called():
    asked = made("2026-06-01", debt(last_due_on=DUE))
    assert refused(asked) == {"CN.WHO.PARTY": "clocks.guarantee_period"}


@pytest.mark.parametrize(
    ("terms", "last"),
    [
        pytest.param({"last_due_on": DUE}, "2026-10-30", id="six months, none agreed"),
        pytest.param(
            {"last_due_on": date(2026, 8, 31)}, "2027-02-28", id="a Sunday that no calendar knows yet"
        ),
        pytest.param(
            {"last_due_on": DUE, "until_on": date(2027, 4, 30)}, "2027-04-30", id="agreed"
        ),
        pytest.param(
            {"last_due_on": DUE, "until_on": DUE}, "2026-10-30", id="agreed to end with the debt: as none"
        ),
        pytest.param({"until_on": date(2026, 5, 1)}, "2026-05-01", id="agreed, of an unknown debt"),
        pytest.param(
            {"last_due_on": DUE, "called_on": date(2026, 6, 1)}, "2029-06-01", id="called on in time"
        ),
    ],
)  # fmt: skip
def test_a_guarantor_may_be_asked_while_the_period_runs(terms, last):
    said = {key: day for key, day in terms.items() if key != "last_due_on"}
    of = debt(last_due_on=terms.get("last_due_on"), guarantee=Guarantee(**said))
    assert made("2026-04-01", of).clocks == {"guarantee_period": last}


def test_on_the_last_day_they_are_asked_and_on_the_next_they_are_not():
    of = debt(last_due_on=DUE, guarantee=Guarantee())
    assert refused(made("2026-10-30", of)) == {}
    assert refused(made("2026-10-31", of)) == {"CN.WHO.PARTY": ""}


def test_a_guarantee_that_says_neither_end_nor_due_date_is_unknown():
    assert made("2026-04-01", debt(guarantee=Guarantee())).clocks == {}


def test_of_several_debts_the_first_end_counts_and_each_must_be_guaranteed():
    first = debt("A", last_due_on=DUE, guarantee=Guarantee())
    later = debt("B", last_due_on=date(2026, 6, 30), guarantee=Guarantee())
    assert made("2026-07-01", later, first).clocks == {"guarantee_period": "2026-10-30"}
    assert made("2026-07-01", first, debt("B", last_due_on=DUE)).clocks == {}


def test_long_after_a_guarantor_was_called_on_nobody_knows_whether_they_owe_on():
    of = debt(guarantee=Guarantee(called_on=date(2022, 1, 3)))
    assert made("2026-04-01", of).clocks == {}


def test_the_debtor_is_asked_without_any_clock():
    debtor = Where(point_id="p-mobile", party="debtor")
    of = debt(last_due_on=DUE, guarantee=Guarantee(), limitation_on=DUE)
    asked = made("2026-06-01", of, where=debtor)
    assert (asked.clocks, asked.limitation) == ({}, "")


def american(day, *debts):
    where = Where(point_id="p-mobile", party="debtor")
    (one,) = proposals(datetime.fromisoformat(day), JERSEY, where, debts, CALL, SHIPPED)
    return one.limitation


def collector(account_id="A", **terms):
    return Debt(account_id=account_id, role="third_party", terms=Terms(**terms))


def test_limitation_is_as_the_record_says_until_the_end_of_the_last_day_where_the_debtor_is():
    of = collector(limitation_on=date(2026, 11, 20))
    assert american("2026-11-21T04:59:59+00:00", of) == "running"
    assert american("2026-11-21T05:00:00+00:00", of) == "expired"


def test_what_legal_stated_counts_before_the_record():
    of = collector(limitation_on=date(2020, 1, 1), stated_on=date(2030, 1, 1))
    assert american("2026-11-20T17:00:00+00:00", of) == "running"


def test_one_expired_debt_makes_the_contact_about_an_expired_debt_and_an_unknown_one_an_unknown():
    runs, over = (
        collector("A", limitation_on=date(2030, 1, 1)),
        collector("B", limitation_on=date(2020, 1, 1)),
    )
    unknown = collector("C", last_due_on=DUE)
    noon_ = "2026-11-20T17:00:00+00:00"
    assert american(noon_, runs, over, unknown) == "expired"
    assert american(noon_, runs, unknown) == ""
    assert american(noon_, runs) == "running"
    assert american(noon_) == ""


def statement(id_, at, until_on, debts=("A",)):
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Entry(
        id=id_,
        type="limitation.stated",
        at=when,
        debts=debts,
        until_on=date.fromisoformat(until_on),
    )


def test_the_latest_statement_counts_for_each_debt_and_of_two_at_once_the_earlier_day():
    log = [
        statement("3", "2026-03-01", "2028-01-01", ("A", "B")),
        statement("1", "2026-01-01", "2029-01-01"),
        statement("2", "2026-04-01", "2031-01-01", ("B",)),
        statement("4", "2026-04-01", "2030-01-01", ("B",)),
        Entry(id="5", type="cease.written", at=noon("2026-05-01"), debts=("A",)),
    ]
    told = {"A": date(2028, 1, 1), "B": date(2030, 1, 1)}
    assert stated(log) == stated(reversed(log)) == told


def asks(*rules, **clocks):
    pack = Pack(pack="x", version="1", calendar="CN", rules=rules, clocks=clocks)
    return Periods((pack,), CALENDARS)


def test_in_china_three_years_from_the_last_due_date_surely_run_and_then_nobody_knows():
    periods = asks(ASKS_LIMITATION, limitation=YEARS3)
    of = debt(last_due_on=date(2023, 11, 20))
    assert made("2026-11-20", of, periods=periods).limitation == "running"
    assert made("2026-11-21", of, periods=periods).limitation == ""
    assert made("2026-11-20", debt(), periods=periods).limitation == ""


def test_a_payment_within_the_period_begins_it_anew_and_one_after_it_does_not():
    periods = asks(ASKS_LIMITATION, limitation=YEARS3)
    due = date(2022, 1, 4)
    in_time = debt(last_due_on=due, paid_on=(date(2024, 6, 3),))
    too_late = debt(last_due_on=due, paid_on=(date(2025, 6, 3),))
    assert made("2026-11-20", in_time, periods=periods).limitation == "running"
    assert made("2026-11-20", too_late, periods=periods).limitation == ""


def test_where_the_way_of_counting_is_another_law_s_nothing_is_worked_out():
    periods = asks(ASKS_LIMITATION, limitation=Clock(years=6, period="exclude_first_day"))
    assert made("2026-11-20", debt(last_due_on=DUE), periods=periods).limitation == ""


def test_a_rule_about_a_clock_reads_the_day_of_limitation_while_that_is_known():
    rule = ClockRule(id="X.CLOCK", strength="firm", evidence="primary", clock="limitation")
    periods = asks(rule, limitation=YEARS3)
    stated_ = debt(stated_on=date(2020, 1, 1))
    worked_out = debt(last_due_on=date(2023, 11, 20))
    assert made("2026-11-20", stated_, periods=periods).clocks == {"limitation": "2020-01-01"}
    assert made("2026-11-20", worked_out, periods=periods).clocks == {"limitation": "2026-11-20"}
    assert made("2026-11-21", worked_out, periods=periods).clocks == {}


def test_a_clock_that_nobody_can_work_out_stays_unknown():
    ways = (Allowed(party="guarantor", if_clock_live="validation"),)
    rule = Party(id="X.WHO", strength="firm", evidence="primary", allow=ways)
    periods = asks(rule, validation=Clock(days=30))
    of = debt(last_due_on=DUE, guarantee=Guarantee())
    assert made("2026-05-01", of, periods=periods).clocks == {}
