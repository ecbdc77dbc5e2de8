"""The rules of legal steps, one sentence each."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from services.legal.service import LEGAL
from shared.decision import Effect
from shared.events.legal import (
    LegalAccepted,
    LegalAssessed,
    LegalEnforced,
    LegalFiled,
    LegalJudged,
    LegalLetterSent,
)
from shared.events.scheduler import Amount
from shared.testing import START, days, given, of_type, tick
from tests.domain.legal.stories import (
    C1,
    SMALL,
    accepted,
    asked,
    assessed,
    demanded,
    due,
    effect,
    effect_ids,
    enforcement,
    enforcing,
    filed,
    filing,
    filing_on_its_way,
    gets_its_letter,
    granted,
    judged,
    leave,
    letter,
    letter_on_its_way,
    situation,
    stage,
    unfit,
    wanted,
    wanted_leave,
    withdrawn,
)


def test_a_fit_case_is_assessed_and_gets_a_demand_letter_that_may_leave_within_ten_days():
    story = given(LEGAL, due()).when(tick()).then(assessed(1), wanted_leave())
    story.given(granted(not_after=START + days(10))).when(tick()).then()
    request = {
        "effect_id": effect("letter", 1),
        "follow_up_id": "F1",
        "point_id": "P1",
        "language": "zh-CN",
        "creditor": "BANK",
        "region": "Beijing",
        "accounts": ["A1"],
        "oldest_due_on": "2025-11-02",
        "amount_minor": 800_000,
        "currency": "CNY",
        "reply_within_days": 15,
        "permit": msgspec.to_builtins(leave(not_after=START + days(10))),
    }

    assert story.effects == [
        Effect(effect("letter", 1), "legal.letter", request, START, START + days(10))
    ]


def test_the_letter_that_was_sent_sets_the_deadline_and_the_day_after_it_is_asked_for():
    letter_on_its_way().given(letter("sent")).when(tick(START + days(2))).then(
        LegalLetterSent(
            customer_id=C1,
            follow_up_id="F1",
            effect_id=effect("letter", 1),
            reply_by_on=date(2026, 3, 17),
            permit_id=leave().permit_id,
            point_id="P1",
            accounts=("A1",),
        ),
        wanted(1, datetime(2026, 3, 18, 4, tzinfo=UTC), "legal.file"),
    )


def test_of_two_reports_of_the_hand_over_the_earlier_sets_the_deadline():
    late = letter("sent", at=START + days(1))
    for pair in ((late, letter("sent")), (letter("sent"), late)):
        story = letter_on_its_way().given(*pair, tick(START + days(1)))
        assert of_type(story.published, LegalLetterSent)[0].reply_by_on == date(2026, 3, 17)


def test_at_the_deadline_the_claim_is_filed_for_what_is_overdue_then():
    now = situation(overdue=(Amount(currency="CNY", amount_minor=700_000),))
    story = demanded().given(asked(1, situation=now)).when(tick()).then()
    filing_request = story.effects[-1]

    assert (filing_request.effect_id, filing_request.kind) == (effect("filing", 2), "court.filing")
    assert filing_request.request["court"] == "CN/basic-peoples-court"
    assert filing_request.request["amount_minor"] == 700_000
    story.given(filing("sent")).when(tick()).then(
        LegalFiled(
            customer_id=C1,
            filing_id=effect("filing", 2),
            follow_up_id="F1",
            court="CN/basic-peoples-court",
            amount_minor=700_000,
            currency="CNY",
        )
    )


def test_without_a_fresher_picture_the_claim_is_the_amount_that_was_demanded():
    assert filing_on_its_way().effects[-1].request["amount_minor"] == 800_000


def test_what_is_too_small_at_the_deadline_is_not_filed():
    demanded().given(asked(1, situation=SMALL)).when(tick()).then(
        assessed(2, "amount"), wanted(2, datetime(2026, 4, 1, 4, tzinfo=UTC), "legal.assess")
    )


def test_an_unfit_case_is_assessed_three_times_and_then_left_alone():
    story = given(LEGAL, due(situation=SMALL)).when(tick())
    story.then(
        assessed(1, "amount"), wanted(1, datetime(2026, 4, 1, 4, tzinfo=UTC), "legal.assess")
    )
    story.given(asked(1), tick(), asked(2)).when(tick())

    story.then(assessed(3, "amount", final=True))
    assert stage(story) == "ended"


def test_a_case_that_became_fit_gets_its_letter():
    gets_its_letter(unfit().given(asked(1, situation=situation())).when(tick()))


def test_a_follow_up_without_a_picture_of_the_case_is_unfit():
    story = given(LEGAL, due(situation=None)).when(tick())

    assert of_type(story.published, LegalAssessed)[0].reasons == ("no_situation",)


def test_a_judgment_is_enforced_after_the_grace_at_that_court_and_for_that_amount():
    story = accepted().given(filing("granted")).when(tick())
    story.then(
        LegalJudged(customer_id=C1, filing_id=effect("filing", 2), result="granted"),
        wanted(2, datetime(2026, 3, 17, 4, tzinfo=UTC), "legal.enforce"),
    )
    story.given(asked(2, situation=SMALL)).when(tick()).then_effects("court.enforcement")

    assert story.effects[-1].effect_id == effect("enforcement", 3)
    assert story.effects[-1].request == {
        "effect_id": effect("enforcement", 3),
        "follow_up_id": "F1",
        "filing_id": effect("filing", 2),
        "case_no": "(2026) 1",
        "court": "CN/basic-peoples-court",
        "creditor": "BANK",
        "region": "Beijing",
        "amount_minor": 800_000,
        "currency": "CNY",
    }


@pytest.mark.parametrize("result", ["recovered", "no_assets"])
def test_enforcement_ends_the_proceedings(result: str):
    story = enforcing().given(enforcement("sent"), tick(), enforcement(result)).when(tick())

    story.then(
        LegalEnforced(customer_id=C1, filing_id=effect("filing", 2), result=result)  # type: ignore[arg-type]
    )
    assert stage(story) == "ended"


def test_enforcement_ends_once():
    both = (enforcement("no_assets"), enforcement("recovered"))
    story = enforcing().given(*both, tick())

    assert [f.result for f in of_type(story.published, LegalEnforced)] == ["recovered"]


@pytest.mark.parametrize("result", ["settled", "dismissed"])
def test_a_claim_that_was_not_granted_ends_the_proceedings(result: str):
    filed().given(filing(result)).when(tick()).then(
        LegalJudged(customer_id=C1, filing_id=effect("filing", 2), result=result)  # type: ignore[arg-type]
    )


def test_a_court_judges_once():
    story = judged().given(filing("dismissed"), filing("settled")).when(tick()).then()

    assert stage(story) == "judged"


def test_the_case_number_may_come_with_the_judgment():
    story = filed().given(filing("granted", case_no="(2026) 7"), tick(), asked(2)).when(tick())

    assert story.effects[-1].request["case_no"] == "(2026) 7"


def test_the_first_case_number_stays():
    story = accepted().given(filing("granted", case_no="other"), tick(), asked(2)).when(tick())

    assert story.effects[-1].request["case_no"] == "(2026) 1"


def test_an_acceptance_tells_the_case_number():
    filed().given(filing("accepted", case_no="(2026) 1")).when(tick()).then(
        LegalAccepted(customer_id=C1, filing_id=effect("filing", 2), case_no="(2026) 1")
    )


@pytest.mark.parametrize(
    ("reason", "told"), [("no jurisdiction", "rejected: no jurisdiction"), ("", "rejected")]
)
def test_a_rejected_claim_is_withdrawn_with_the_courts_reason(reason: str, told: str):
    filed().given(filing("rejected", reason=reason)).when(tick()).then(withdrawn(told))


def test_a_letter_that_did_not_leave_is_tried_again_after_three_days_on_a_fresh_assessment():
    story = letter_on_its_way().given(letter("refused")).when(tick())
    story.then(wanted(1, datetime(2026, 3, 5, 4, tzinfo=UTC), "legal.assess"))
    story.given(asked(1)).when(tick()).then(assessed(2), wanted_leave(2))
    gets_its_letter(story, 2)

    assert effect_ids(story) == [effect("letter", 1), effect("letter", 2)]


def test_what_failed_three_times_in_a_row_is_given_up():
    story = filing_on_its_way()
    for number in (2, 3):
        story.given(filing("failed", number), tick(), asked(number), tick())
    story.given(filing("failed", 4, reason="no such court")).when(tick())

    story.then(withdrawn("filing: no such court"))


def test_tries_are_counted_anew_after_something_left():
    story = letter_on_its_way()
    for number in (1, 2):
        story.given(letter("failed", number), tick(), asked(number), tick())
    story.given(letter("sent", 3), tick(), asked(3), tick(), filing("failed", 4)).when(tick())

    assert stage(story) == "demanded"


@pytest.mark.parametrize(
    ("story", "unknown", "reason"),
    [
        (letter_on_its_way, letter("unknown"), "letter: unknown"),
        (filing_on_its_way, filing("unknown", reason="crash"), "filing: crash"),
        (enforcing, enforcement("unknown"), "enforcement: unknown"),
    ],
)
def test_what_may_or_may_not_have_left_is_never_sent_again(story, unknown, reason):
    told = story().given(unknown).when(tick())
    told.then(withdrawn(reason, leave().permit_id if reason == "letter: unknown" else ""))


def test_an_acceptance_after_all_is_passed_on_but_takes_nothing_up_again():
    story = filing_on_its_way().given(filing("unknown"), tick(), filing("granted")).when(tick())
    story.then(LegalJudged(customer_id=C1, filing_id=effect("filing", 2), result="granted"))

    assert stage(story) == "ended"
