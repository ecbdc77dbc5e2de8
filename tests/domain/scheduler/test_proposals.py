"""What is proposed to the gate: every field that a rule may ask for, and one proposal for each kind of debt."""

import pytest
from msgspec import structs

from services.scheduler.policy import Step, Way
from services.scheduler.upcasting import with_log
from shared.events import declarations
from shared.events.core_banking import ContactPoint, CustomerUpdated, Jurisdiction
from shared.events.permits import Permit, PermitRefused
from shared.permits.outcomes import reservation
from shared.permits.proposals import Act, Debt, Where, Whom, proposals
from shared.testing import START, days, of_type
from tests.domain.scheduler.cases import (
    KNOWN,
    SHIPPED,
    account,
    at,
    contact_step,
    customer,
    follow_ups,
    missed,
    said,
    story,
)
from tests.domain.scheduler.declared import declared

CHINA = Whom(
    customer_id="C1", zones=("Asia/Shanghai",), country="CN", region="CN-31", language="zh-CN"
)
MOBILE = Where(point_id="p-mobile", party="debtor", zones=("Asia/Urumqi",))
CARD = Debt(account_id="A", product="credit_card", creditor="BANK", role="first_party")
CALL = Act(channel="call", purpose="collect", collector="bank", voice="human", autodialled=True)
MISS = missed(at("2026-03-01", "06:00"))
CALLS = Step(
    name="call", day=1, stage="reminder", ways=(Way(channel="call", template="call.first"),)
)


def test_debts_of_one_kind_are_one_proposal_and_others_are_their_own():
    loan = Debt(account_id="C", product="consumer_loan", creditor="BANK", role="third_party")
    other = Debt(account_id="B", product="credit_card", creditor="BANK", role="first_party")
    made = proposals(START, CHINA, MOBILE, [other, loan, CARD], CALL)
    assert [(each.debts, each.role) for each in made] == [
        (("C",), "third_party"),
        (("A", "B"), "first_party"),
    ]
    permit = Permit(
        permit_id="P",
        channel="call",
        point_id="p-mobile",
        not_before=START,
        not_after=START + days(1),
    )
    entry = reservation(permit, made, START)
    assert (entry.debts, entry.creditor) == (("A", "B", "C"), "BANK")


def test_a_contact_about_debts_of_several_creditors_counts_for_each():
    theirs = Debt(account_id="B", product="credit_card", creditor="OTHER", role="first_party")
    made = proposals(START, CHINA, MOBILE, [CARD, theirs], CALL)
    permit = Permit(
        permit_id="P",
        channel="call",
        point_id="p-mobile",
        not_before=START,
        not_after=START + days(1),
    )
    assert reservation(permit, made, START).creditor == "", (
        "a cap of each creditor counts what names none"
    )


def test_zones_are_the_customer_s_and_the_point_s():
    (made,) = proposals(START, CHINA, MOBILE, [CARD], CALL)
    assert made.zones == ("Asia/Shanghai", "Asia/Urumqi")


def test_what_a_record_says_has_no_value_is_no_missing_fact_but_a_state_of_the_us_is():
    (here,) = proposals(START, CHINA, MOBILE, [CARD], CALL)
    assert (here.debtor_state, here.debtor_city, here.region) == ("none", "CN-31", "CN-31")
    (there,) = proposals(START, Whom(customer_id="C1", country="US"), MOBILE, [CARD], CALL)
    assert (there.debtor_state, there.debtor_city) == ("", "")
    (nowhere,) = proposals(START, Whom(customer_id="C1"), MOBILE, [CARD], CALL)
    assert (nowhere.debtor_country, nowhere.debtor_state, nowhere.region) == ("", "", "")


@pytest.mark.parametrize(
    ("state", "city", "region", "said"),
    [
        ("NY", "", "NY-METRO", ""),
        ("NY", "NYC", "NY-METRO", "NYC"),
        ("NY", "none", "NY-METRO", "none"),
        ("NJ", "", "US-NJ", "US-NJ"),
        ("NJ", "", "", "none"),
    ],
)
def test_where_cities_have_rules_a_record_without_a_city_misses_it(state, city, region, said):
    whom = Whom(customer_id="C1", country="US", state=state, city=city, region=region)
    (made,) = proposals(START, whom, MOBILE, [CARD], CALL)
    assert made.debtor_city == said


def test_a_number_at_work_is_called_at_work_unless_the_caller_knows_better():
    work = Where(point_id="p-work", party="debtor", place="work")
    (made,) = proposals(START, CHINA, work, [CARD], CALL)
    assert made.place == "work"
    (made,) = proposals(START, CHINA, work, [CARD], structs.replace(CALL, place="home"))
    assert made.place == "home"


def test_the_ladder_leaves_a_number_at_work_alone_once_the_employer_is_known_to_prohibit_it():
    """REGF.PLACE.WORK; the record says where the number is, and core banking's next record may say otherwise."""
    at_work = ContactPoint(point_id="p-work", kind="landline", party="debtor", place="work")
    person = said(
        CustomerUpdated, KNOWN, language="en", time_zones=("America/New_York",), region="US-NJ",
        jurisdiction=Jurisdiction(country="US", state="NJ"), contact_points=(at_work,),
    )  # fmt: skip
    debt = account(KNOWN, collector_role="third_party")
    told = story(
        person, debt, MISS, declared(declarations.EmployerProhibits, START), conduct={"recording": True},
        packs=SHIPPED.packs, content=SHIPPED.content, ladder=(CALLS,),
    )  # fmt: skip
    told.run_until(START + days(2))
    assert {
        each.rule for refused in of_type(told.published, PermitRefused) for each in refused.reasons
    } == {"REGF.PLACE.WORK"}


def test_voice_belongs_to_calls_and_wechat_is_im():
    wechat = Act(
        channel="wechat", purpose="collect", collector="bank", voice="human", autodialled=True
    )
    (made,) = proposals(START, CHINA, MOBILE, [CARD], wechat)
    assert (made.channel, made.voice, made.autodialled) == ("im", "", False)


def test_who_is_neither_debtor_nor_joint_debtor_is_a_third_person():
    friend = Where(point_id="p-friend", party="contact_person")
    (made,) = proposals(START, CHINA, friend, [CARD], CALL)
    assert (made.person, made.contacted) == ("C1", "p-friend")


def test_an_account_without_its_record_waits_for_it_under_the_law_of_the_place():
    law = {"packs": SHIPPED.packs, "content": SHIPPED.content}
    told = story(customer(), MISS, **law).run_until(START)
    (refusal,) = of_type(told.published, PermitRefused)
    assert {each.needs_fact for each in refusal.reasons} == {"role"}
    told.given(account(START)).run_until(START)
    assert follow_ups(told)


def test_a_text_that_is_not_registered_is_not_sent():
    told = story(
        customer(), account(), MISS, content=SHIPPED.content, ladder=(contact_step("x", 1, "call"),)
    )
    told.run_until(START)
    (refusal,) = of_type(told.published, PermitRefused)
    assert [(each.rule, each.needs_fact) for each in refusal.reasons] == [
        ("CONTENT.NOT_USABLE", "template")
    ]


def test_a_case_of_version_1_keeps_its_opt_outs_and_inconvenient_times():
    old = {
        "opt_outs": ["channel:wechat", "point:p-email"],
        "inconvenient": {"/s 1": [{"start": "09:00:00", "end": "11:00:00", "days": [1]}]},
        "open": {"F": {"step": "x", "kind": "contact", "ways": ["sms:p-mobile"]}},
    }
    log = with_log(old)["log"].values()
    assert [(each["type"], each.get("channel") or each.get("point") or each["local"]) for each in log] == [
        ("optout", "im"), ("optout", "p-email"), ("inconvenient.declared", ["09:00-11:00"]),
    ]  # fmt: skip
    assert with_log({"stage": "idle"}) == {"stage": "idle"}
