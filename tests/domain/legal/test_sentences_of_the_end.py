"""The rules of legal steps, one sentence each: what ends, what waits, what is remembered."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from services.legal.service import LEGAL
from shared.clock import AT_ONCE
from shared.events.common import FollowUpWithdrawn
from shared.events.legal import (
    LegalJudged,
    LegalWithdrawn,
)
from shared.testing import START, Story, days, given, of_type, tick
from tests.domain.legal.stories import (
    C1,
    SMALL,
    ask,
    asked,
    assessed,
    cancelled,
    closed,
    demanded,
    due,
    due_under_hold,
    effect,
    effect_ids,
    ended,
    enforcement,
    enforcing,
    filed,
    filing,
    filing_on_its_way,
    gets_its_letter,
    held,
    letter,
    letter_on_its_way,
    lifted,
    stage,
    stopped,
    wanted,
    withdrawn,
)


def test_cancelling_withdraws_what_has_not_left_and_says_so_on_the_tick():
    story = filing_on_its_way().when(cancelled())

    assert story.withdrawn == [effect("filing", 2)]
    story.when(tick()).then(withdrawn("paid up"))


def test_cancelling_takes_the_requested_follow_up_back():
    demanded().given(cancelled()).when(tick()).then(
        withdrawn("paid up"), FollowUpWithdrawn(customer_id=C1, follow_up_id=ask(1))
    )


def test_a_deadline_that_comes_with_the_payment_files_nothing():
    demanded().given(asked(1), cancelled()).when(tick()).then(withdrawn("paid up")).then_effects()


def test_what_the_court_says_after_the_cancellation_is_passed_on_and_nothing_follows():
    story = filed().given(cancelled(), tick(), filing("granted", case_no="7")).when(tick())
    story.then(LegalJudged(customer_id=C1, filing_id=effect("filing", 2), result="granted"))
    after_recovery = enforcing().given(cancelled(), tick(), enforcement("recovered")).when(tick())

    assert after_recovery.types() == ["legal.enforced"]


def test_a_letter_that_left_with_the_cancellation_is_told_and_sets_no_deadline():
    story = letter_on_its_way().given(cancelled(), tick(), letter("sent")).when(tick())

    assert story.types() == ["legal.letter_sent"]


def test_cancelled_and_closed_end_the_same_in_either_order():
    one = filing_on_its_way().given(cancelled(), closed(), tick())
    other = filing_on_its_way().given(closed(), cancelled(), tick())

    assert (one.state, one.published) == (other.state, other.published)
    assert of_type(one.published, LegalWithdrawn)[0].reason == "paid up"
    assert filing_on_its_way().given(cancelled(), tick(), closed(), tick()).state == one.state


def test_a_closed_case_ends_only_proceedings_of_its_episode():
    story = gets_its_letter(given(LEGAL, due(episode=2), closed(1)).when(tick()))
    story.given(closed(2)).when(tick()).then(withdrawn("case_closed"))


def test_later_steps_of_the_episode_join_with_a_fresher_picture():
    story = demanded().given(due("F2", situation=SMALL), asked(1)).when(tick())

    story.then(
        assessed(2, "amount"), wanted(2, datetime(2026, 4, 1, 4, tzinfo=UTC), "legal.assess")
    )
    assert set(story.state.proceedings) == {"F1"}


def test_a_joined_step_without_a_picture_leaves_the_one_there_is():
    demanded().given(due("F2", situation=None), asked(1)).when(tick()).then_effects("court.filing")


def test_cancelling_a_joined_step_stops_the_proceedings():
    demanded().given(due("F2"), cancelled("F2")).when(tick())
    story = demanded().given(due("F2"), tick(), cancelled("F2")).when(tick())

    assert stage(story) == "ended"


def test_a_joined_step_that_comes_twice_joins_once():
    story = demanded().given(due("F2"), due("F2"))

    assert story.state.proceedings["F1"].joined == ("F2",)


def test_who_lost_in_court_is_not_sued_again_in_the_same_episode():
    story = filed().given(filing("dismissed"), tick(), due("F2")).when(tick()).then()

    assert set(story.state.proceedings) == {"F1"}
    assert story.state.proceedings["F1"].situation is None


def test_after_a_cancellation_the_next_step_begins_anew():
    gets_its_letter(stopped().given(due("F2")).when(tick()), 1, "F2")
    gets_its_letter(demanded().given(cancelled(), due("F2")).when(tick()), 1, "F2")


def test_nothing_starts_under_a_hold_and_a_fresh_look_is_taken_after_it():
    story = due_under_hold().given(lifted("H0")).when(tick())
    story.then(wanted(1, START, "legal.assess"))
    gets_its_letter(story.given(asked(1)).when(tick()))


def test_a_deadline_under_a_hold_files_nothing_until_it_is_lifted():
    story = demanded().given(held(), asked(1)).when(tick()).then().then_effects()
    story.given(lifted()).when(tick()).then(wanted(2, START, "legal.file")).then_effects()
    story.given(asked(2)).when(tick()).then_effects("court.filing")


def test_every_hold_must_be_lifted():
    story = due_under_hold().given(held("H1"), lifted("H0")).when(tick())

    story.then().then_effects()


def test_a_hold_withdraws_what_has_not_left():
    story = filing_on_its_way().when(held())

    assert story.withdrawn == [effect("filing", 2)]
    story.when(tick()).then()
    story.given(lifted(), tick(), asked(2)).when(tick()).then_effects("court.filing")
    assert effect_ids(story)[-2:] == [effect("filing", 2), effect("filing", 3)]


def test_a_hold_that_was_lifted_before_the_tick_still_withdrew_the_letter():
    letter_on_its_way().given(held(), lifted()).when(tick()).then(wanted(1, START, "legal.assess"))


def test_a_hold_on_what_has_left_changes_nothing_of_it():
    for pair in ((filing("sent"), held()), (held(), filing("sent"))):
        story = filing_on_its_way().given(*pair, tick())
        assert (stage(story), story.state.proceedings["F1"].recalled) == ("filed", False)
    assert filed().when(held()).withdrawn == []


def test_a_letter_that_left_although_a_hold_withdrew_it_is_not_written_again():
    story = letter_on_its_way().given(held(), tick(), lifted(), tick(), letter("sent"), tick())
    story.given(asked(1)).when(tick()).then().then_effects()

    assert stage(story) == "demanded"


def test_a_second_letter_is_withdrawn_when_the_first_turns_out_to_have_left():
    story = letter_on_its_way().given(held(), tick(), lifted(), tick(), asked(1), tick())
    story.given(letter("sent", 1)).when(tick())

    assert story.decision is not None
    assert story.decision.withdraw == (effect("letter", 2),)
    assert stage(story) == "demanded"


def test_enforcement_that_left_although_a_hold_withdrew_it_goes_on():
    story = enforcing().given(held(), tick(), enforcement("sent")).when(tick())

    assert stage(story) == "enforcing"


def test_ended_proceedings_are_forgotten_after_a_year_without_a_wake_up_of_their_own():
    story = ended()
    assert story.state.wake_at is None
    for later, known in ((364, {"F1", "F2"}), (365, {"F2"})):
        at = START + timedelta(days=later)
        assert set(ended().given(due("F2", at, episode=2), tick(at)).state.proceedings) == known


def test_ended_proceedings_keep_no_picture_of_the_case():
    done = stopped().state.proceedings["F1"]

    assert (done.situation, done.wanted, done.stop, done.was_stopped) == (None, "", "", True)


def test_a_tick_before_the_case_wants_one_changes_nothing():
    waiting_case = given(LEGAL, due()).state
    assert waiting_case.wake_at == AT_ONCE
    early = Story(LEGAL, state=replace(waiting_case, wake_at=START + days(1)))

    early.when(tick()).then_nothing()
    assert "permit.requested" in early.when(tick(START + days(1))).types()


def test_a_hold_with_nothing_to_withdraw_needs_no_look():
    assert filed().when(held()).state.wake_at is None
    assert given(LEGAL, held(), lifted()).state.wake_at is None


def test_a_result_that_comes_after_the_cancellation_lets_a_later_step_begin_anew():
    story = enforcing().given(cancelled(), tick(), enforcement("recovered"), tick(), due("F2"))

    gets_its_letter(story.when(tick()), 1, "F2")


def test_what_has_left_is_not_named_as_withdrawn():
    assert demanded().when(cancelled()).withdrawn == []


def test_a_hand_over_that_is_told_late_is_told_and_takes_nothing_back():
    story = filing_on_its_way().given(filing("accepted"), tick(), filing("sent")).when(tick())

    assert (story.types(), stage(story)) == (["legal.filed"], "accepted")
