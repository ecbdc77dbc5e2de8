"""A case opens, ages, closes and opens again: episodes, days past due, buckets."""

import pytest

from services.scheduler.policy import Strategy
from shared.events.scheduler import (
    Amount,
    BucketChanged,
    CaseClosed,
    CaseOpened,
    FollowUpDue,
    SegmentAssigned,
)
from shared.testing import START, days, of_type, tick
from tests.domain.scheduler.cases import (
    at,
    changed,
    closed,
    customer,
    due,
    follow_ups,
    missed,
    received,
    stated,
    story,
    taken_back,
)

LATE = at("2026-03-01", "06:00")


def test_something_overdue_opens_a_case():
    opened, assigned = story(missed(LATE)).when(tick(START)).published[:2]
    assert opened == CaseOpened(
        customer_id="C1", episode=1, oldest_due_on=opened.oldest_due_on, dpd=1, bucket="M1",
        overdue=(Amount(currency="CNY", amount_minor=1000),),
    )  # fmt: skip
    assert assigned == SegmentAssigned(
        customer_id="C1", episode=1, segment="standard", strategy="standard"
    )


def test_all_accounts_of_a_customer_are_one_case_and_currencies_stay_apart():
    told = story(
        missed(LATE), missed(LATE, instalment_id="I2", due_on="2026-02-20", amount_minor=5),
        missed(LATE, account_id="B", currency="USD", amount_minor=70),
    ).when(tick(START))  # fmt: skip
    (opened,) = of_type(told.published, CaseOpened)
    assert opened.dpd == 10, "the oldest counts"
    assert opened.overdue == (
        Amount(currency="CNY", amount_minor=1005), Amount(currency="USD", amount_minor=70),
    )  # fmt: skip


def test_a_statement_opens_a_case_too():
    story(stated(LATE)).when(tick(START))
    assert story(stated(LATE)).when(tick(START)).types()[0] == "case.opened"


def test_nothing_is_overdue_on_the_due_date_itself():
    told = story(missed(LATE)).when(tick(at("2026-03-01", "23:59"))).then()
    assert told.state.wake_at == at("2026-03-02"), "look again on the first day late"


def test_the_first_day_late_begins_at_midnight_in_the_creditors_zone():
    told = story(missed(LATE)).when(tick(at("2026-03-02", "00:00")))
    assert of_type(told.published, CaseOpened)[0].dpd == 1


def test_the_creditors_zone_decides_and_not_the_customers():
    new_york = customer(zones=("America/New_York",))
    told = story(new_york, missed(LATE)).when(tick(at("2026-03-02", "00:30")))
    assert of_type(told.published, CaseOpened)[0].dpd == 1
    american = story(missed(LATE), business_zone="America/New_York")
    american.when(tick(at("2026-03-02", "00:30"))).then()


def test_a_notice_of_what_falls_due_opens_no_case_when_its_day_has_passed():
    story(due()).when(tick(START + days(40))).then()


def test_an_instalment_deferred_into_the_future_is_overdue_when_its_day_passes():
    told = story(changed(LATE, due_on="2026-03-09")).when(tick(LATE)).then()
    assert told.state.wake_at == at("2026-03-10")
    assert told.run_until(at("2026-03-10")).types()[0] == "case.opened"


@pytest.mark.parametrize(
    ("dpd", "bucket"),
    [(0, "M0"), (1, "M1"), (30, "M1"), (31, "M2"), (60, "M2"), (61, "M3"), (90, "M3"), (91, "M4"),
     (120, "M4"), (121, "M5"), (150, "M5"), (151, "M6"), (180, "M6"), (181, "M7"), (999, "M7")],
)  # fmt: skip
def test_buckets_at_each_boundary(dpd, bucket):
    assert Strategy().bucket(dpd) == bucket
    if dpd:
        told = story(missed(LATE), customer()).when(tick(at("2026-03-01") + days(dpd)))
        assert of_type(told.published, CaseOpened)[0].bucket == bucket


def test_a_case_rolls_through_the_buckets_on_the_days_that_time_alone_brings():
    told = story(missed(LATE)).when(tick(LATE)).run_until(START + days(400))
    rolls = [
        (entry.from_bucket, entry.to_bucket, entry.dpd)
        for entry in of_type(told.published, BucketChanged)
    ]
    assert rolls == [
        ("M0", "M1", 1), ("M1", "M2", 31), ("M2", "M3", 61), ("M3", "M4", 91), ("M4", "M5", 121),
        ("M5", "M6", 151), ("M6", "M7", 181),
    ]  # fmt: skip
    assert told.state.wake_at is None, "in the last bucket nothing changes by time alone"


def test_a_payment_of_the_oldest_instalment_rolls_the_case_back():
    told = story(missed(LATE), missed(LATE, instalment_id="I2", due_on="2026-01-01"))
    told.when(tick(START)).given(received(START + days(1), 1000)).when(tick(START + days(1)))
    (back,) = of_type(told.published, BucketChanged)[1:]
    assert (back.from_bucket, back.to_bucket, back.dpd) == ("M2", "M1", 2)


def test_two_rolls_on_one_day_between_the_same_buckets_are_two_events():
    told = story(missed(LATE), missed(LATE, instalment_id="I2", due_on="2026-01-01"))
    abouts = []
    noon = at("2026-03-03", "12:00")
    for fact in (
        None,
        received(noon, 1000),
        taken_back(noon),
        received(noon, 1000, payment_id="P2"),
    ):
        told.given(*([fact] if fact else [])).when(tick(noon))
        abouts += [p.about for p in told.decision.publish if isinstance(p.data, BucketChanged)]
    assert len(abouts) == len(set(abouts)) == 4


def test_a_case_closes_as_cured_when_all_is_paid():
    told = story(missed(LATE)).when(tick(START)).given(received(START + days(1)))
    told.when(tick(START + days(1)))
    assert told.types() == ["bucket.changed", "case.closed"]
    assert told.published[-1] == CaseClosed(
        customer_id="C1",
        episode=1,
        cause="cured",
        paid=(Amount(currency="CNY", amount_minor=1000),),
    )
    assert (told.state.stage, told.state.cures, told.state.bucket) == ("idle", 1, "M0")


def test_part_of_the_money_closes_nothing():
    told = story(missed(LATE)).when(tick(START)).given(received(START + days(1), 999))
    told.when(tick(START + days(1))).then()
    assert told.state.stage == "open"


@pytest.mark.parametrize("cause", ["settled", "sold", "withdrawn"])
def test_a_case_without_payments_closes_as_nothing_collectable(cause):
    told = story(missed(LATE)).when(tick(START)).given(closed(START, cause)).when(tick(START))
    assert told.published[-1] == CaseClosed(
        customer_id="C1", episode=1, cause="nothing_collectable", paid=()
    )
    assert told.state.cures == 0


def test_a_write_off_ends_no_case():
    told = story(missed(LATE)).when(tick(START)).given(closed(START, "written_off"))
    told.when(tick(START)).then()


def test_a_payment_before_the_case_opened_does_not_count_as_its_cure():
    early = received(LATE - days(5), 400)
    told = story(early, missed(LATE)).when(tick(START)).given(closed(START, "sold"))
    assert told.when(tick(START)).published[-1].cause == "nothing_collectable"


def test_a_reopening_is_the_next_episode_and_its_steps_have_ids_of_their_own():
    told = story(customer(), missed(LATE)).when(tick(START)).given(received(START + days(1)))
    told.when(tick(START + days(1)))
    again = missed(at("2026-04-01", "06:00"), instalment_id="I2", due_on="2026-04-01")
    told.given(again).when(tick(at("2026-04-02")))
    assert [entry.episode for entry in of_type(told.published, CaseOpened)] == [1, 2]
    first, second = follow_ups(told)
    assert (first.step, first.episode) == ("reminder_1", 1)
    assert (second.step, second.episode) == ("reminder_1", 2)
    assert first.follow_up_id != second.follow_up_id


def test_a_reversal_opens_the_case_again():
    told = story(customer(), missed(LATE)).when(tick(START)).given(received(START + days(1)))
    told.when(tick(START + days(1))).given(taken_back(START + days(3))).when(tick(START + days(3)))
    assert told.types()[:2] == ["case.opened", "segment.assigned"]
    assert of_type(told.published, CaseOpened)[1].dpd == 4


def test_a_follow_up_carries_how_the_case_stands():
    told = story(customer(risk_grade="B", flags=("vip",)), missed(LATE)).when(tick(START))
    (follow_up,) = of_type(told.published, FollowUpDue)
    stands = follow_up.situation
    assert stands is not None
    assert (stands.dpd, stands.bucket, stands.oldest_due_on.isoformat()) == (1, "M1", "2026-03-01")
    assert (stands.language, stands.region, stands.country) == ("zh-CN", "CN-31", "CN")
    assert (stands.risk_grade, stands.flags, stands.address_point_id) == ("B", ("vip",), "p-post")
    assert stands.accounts == ("A",)
