"""The rules of legal steps, one sentence each: a letter to the debtor needs leave."""

from services.legal.service import LEGAL
from shared.testing import START, days, given, tick
from tests.domain.legal.stories import (
    POLICY,
    SMALL,
    asked,
    asking,
    assessed,
    demanded,
    due,
    effect,
    gets_its_letter,
    granted,
    held,
    leave,
    letter,
    letter_on_its_way,
    refused,
    stage,
    wanted,
    wanted_leave,
    withdrawn,
)

TOMORROW = START + days(1)


def test_a_fit_case_asks_leave_for_its_letter_and_sends_none_before():
    story = given(LEGAL, due()).when(tick()).then(assessed(1), wanted_leave()).then_effects()
    story.when(tick(TOMORROW)).then_nothing()


def test_the_letter_leaves_within_its_permit():
    (each,) = asking().given(granted(not_after=TOMORROW)).when(tick()).effects
    assert each.effect_id == effect("letter", 1)
    assert (each.not_before, each.not_after) == (START, TOMORROW)


def test_refused_until_tomorrow_the_letter_is_tried_again_tomorrow():
    story = asking().given(refused(earliest_next=TOMORROW)).when(tick())
    story.then(wanted(1, TOMORROW, "legal.assess"))
    story.given(asked(1)).when(tick()).then(assessed(2), wanted_leave(2))
    gets_its_letter(story, 2)


def test_refused_for_good_or_too_often_the_proceedings_end():
    asking().given(refused()).when(tick()).then(withdrawn("letter: no_permit"))
    story = asking()
    for number in range(1, POLICY.max_tries):
        story.given(refused(number, earliest_next=START), tick(), asked(number), tick())
    story.given(refused(POLICY.max_tries, earliest_next=START)).when(tick())
    story.then(withdrawn("letter: no_permit"))
    assert stage(story) == "ended"


def test_a_permit_that_is_taken_back_withdraws_the_letter_at_once():
    story = letter_on_its_way().when(refused(earliest_next=TOMORROW))
    assert story.withdrawn == [effect("letter", 1)]
    story.when(tick()).then(wanted(1, TOMORROW, "legal.assess"))


def test_a_letter_that_had_left_although_its_permit_was_taken_back_is_told():
    story = letter_on_its_way().given(refused(earliest_next=TOMORROW), tick(), letter("sent"))
    assert [
        f.permit_id for f in story.when(tick()).published[-3:] if hasattr(f, "reply_by_on")
    ] == [leave().permit_id]
    assert stage(story) == "demanded"


def test_a_letter_that_the_post_has_is_not_taken_back():
    demanded().when(refused()).then_nothing()


def test_an_older_refusal_does_not_take_a_newer_permit_back():
    story = asking().given(granted(at=TOMORROW), refused(at=START)).when(tick())
    story.then_effects("legal.letter")


def test_leave_for_a_case_that_became_unfit_sends_nothing():
    story = asking().given(due("F2", situation=SMALL), granted()).when(tick())
    story.then(assessed(2, "amount"), *story.published[-1:]).then_effects()
    assert stage(story) == "unfit"


def test_leave_that_comes_after_a_hold_sends_nothing():
    story = asking().given(held(), tick(), granted()).when(tick())
    story.then().then_effects()
