"""The lexicon against the labelled sentences: nothing forbidden or doubtful may be sent, and what is harmless is."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from shared.content.lexicon import Lexicon, Sayings, Words
from shared.content.loading import classify, lexicon

LANGUAGES = ("zh-CN", "en")
LEAST = 150
SETS = {
    language: YAML(typ="safe", pure=True).load(
        (Path(__file__).parent / f"sentences.{language}.yaml").read_text(encoding="utf-8")
    )
    for language in LANGUAGES
}
PACK_TAGS = {
    "threat", "insult", "violence", "impersonate_court", "impersonate_police", "impersonate_government",
    "impersonate_attorney", "induce_new_borrowing", "extra_fee", "public_posting", "false_legal_consequence",
    "threat_arrest", "threat_unintended_action",
}  # fmt: skip
"""The tags that content rules of the packs forbid, but for `threat_suit`, which is reserved."""


def forbidden(language):
    return [(tag, each) for tag, said in SETS[language]["forbidden"].items() for each in said]


def every(language, *names):
    return [(language, each) for name in names for each in SETS[language][name]]


FORBIDDEN = [(language, *pair) for language in LANGUAGES for pair in forbidden(language)]
NEVER = [
    pair for language in LANGUAGES for pair in every(language, "more_forbidden", "veiled", "unsure")
]
SENT = [
    pair for language in LANGUAGES for pair in every(language, "sent", "more_sent", "fresh_sent")
]
HARD = [pair for language in LANGUAGES for pair in every(language, "hard")]


@pytest.mark.parametrize(("language", "tag", "sentence"), FORBIDDEN)
def test_what_is_forbidden_is_not_sent_and_is_named(language, tag, sentence):
    finding = classify(sentence, language)
    assert not finding.may_be_sent
    assert finding.forbidden if tag == "disguised" else tag in finding.forbidden
    assert all(0 <= span.start < span.end <= len(sentence) for span in finding.spans)


@pytest.mark.parametrize(("language", "sentence"), NEVER)
def test_what_is_veiled_or_cannot_be_judged_is_not_sent(language, sentence):
    assert not classify(sentence, language).may_be_sent


@pytest.mark.parametrize(("language", "sentence"), SENT)
def test_what_is_harmless_is_sent(language, sentence):
    finding = classify(sentence, language)
    assert finding.may_be_sent, (sorted(finding.tags), finding.unsure)


@pytest.mark.parametrize(("language", "sentence"), HARD)
def test_what_warns_or_denies_is_not_called_forbidden(language, sentence):
    assert not classify(sentence, language).forbidden


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_set_is_large_and_has_every_forbidden_tag_of_the_packs(language):
    labelled = len(forbidden(language)) + sum(
        len(said) for said in SETS[language].values() if isinstance(said, list)
    )
    assert labelled >= LEAST
    assert set(SETS[language]["forbidden"]) >= PACK_TAGS
    found = lexicon(language)
    assert found is not None
    assert set(SETS[language]["forbidden"]) - {"disguised"} == found.forbidden


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_sentences_that_it_was_not_made_by_no_plain_threat_is_sent(language):
    """The veiled ones are the lexicon's known weakness (ADR 0020); they are measured, not demanded."""
    folder = Path(__file__).parent
    unseen = YAML(typ="safe", pure=True).load((folder / "unseen.yaml").read_text(encoding="utf-8"))
    for sentence in unseen[language]["forbidden"]:
        assert not classify(sentence, language).may_be_sent, sentence
    harmless = unseen[language]["harmless"]
    assert sum(classify(each, language).may_be_sent for each in harmless) >= len(harmless) // 2


@pytest.mark.parametrize("language", ["fr", "zh-TW", "", "../en"])
def test_in_a_language_without_a_lexicon_nothing_is_sure(language):
    assert not classify("Thank you, we have received your payment.", language).may_be_sent


@pytest.mark.parametrize(
    ("language", "sentence", "claims"),
    [
        ("en", "The amount due on your account is $500.00, please pay by December 5.",
         {"debt_existence", "debt_amount"}),
        ("en", "Your documents have arrived.", set()),
        ("zh-CN", "您本期的最低还款额为300元。", {"debt_existence", "debt_amount"}),
        ("zh-CN", "您提供的材料已收到。", set()),
    ],
)  # fmt: skip
def test_what_a_harmless_text_claims_is_told_to_the_gate(language, sentence, claims):
    finding = classify(sentence, language)
    assert finding.may_be_sent
    assert finding.claims == claims


@pytest.mark.parametrize(
    ("sentence", "language", "reason"),
    [
        ("Thank you 谢谢.", "en", "words that the lexicon does not know: 谢谢"),
        ("Thank you, see www.bank.example.", "en", "a link or an address"),
        ("Please call 415 555 0134.", "en", "a number that may be personal"),
        ("请致电一三八一二三四五六七八。", "zh-CN", "a number that may be personal"),
        ("謝謝您。", "zh-CN", "traditional or rare characters"),
        ("Thаnk you.", "en", "letters that only look like others"),
        ("Thank\u200b you.", "en", "hidden characters"),
        ("Thank you 🙂.", "en", "symbols or pictures"),
        ("  ", "en", "no text"),
        ("12, ...!", "zh-CN", "no text"),
        ("Thank you. " * 100, "en", "longer than 1000 characters"),
    ],
)
def test_why_a_text_is_unsure_is_said(sentence, language, reason):
    assert reason in classify(sentence, language).unsure


def test_dates_times_and_amounts_are_no_personal_numbers():
    text = "Your payment of 1,234,567.50 dollars arrived on 2026-12-05, 10:00."
    assert classify(text, "en").may_be_sent


def test_a_finding_shows_where():
    text = "您好。不还款就要坐　牢，请您还款。"
    span = next(s for s in classify(text, "zh-CN").spans if s.tag == "threat_arrest")
    assert text[span.start : span.end] == "坐　牢"


def test_a_denial_lifts_only_itself():
    both = "You cannot be arrested, but the police will arrest your brother."
    assert "threat_arrest" in classify(both, "en").forbidden


@pytest.mark.parametrize(("language", "tag", "sentence"), FORBIDDEN[:: len(FORBIDDEN) // 25])
@settings(deadline=None)
@given(data=st.data())
def test_signs_and_spaces_put_between_do_not_help(language, tag, sentence, data):
    del tag
    place = data.draw(st.integers(0, len(sentence)))
    sign = data.draw(st.sampled_from([" ", "　", "*", ".", "-", "_", "·", "\u200b", "\ufeff", "~"]))
    assert not classify(sentence[:place] + sign + sentence[place:], language).may_be_sent


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_gets_an_answer_and_only_words_of_the_lexicon_are_sent(text):
    for language in LANGUAGES:
        finding = classify(text, language)
        if finding.may_be_sent:
            assert any(char.isalpha() for char in text)


def test_a_pattern_that_is_none_is_named():
    words = Words(
        language="xx",
        script="latin",
        forbidden={"threat": Sayings(says=("(",))},
        reserved={},
        claims={},
        doubtful={},
        words="a",
    )
    with pytest.raises(ValueError, match=r"xx: '\('"):
        Lexicon(words)
