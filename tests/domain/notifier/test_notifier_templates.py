"""The texts: every template in both languages, with values that mean harm and amounts at both ends."""

from datetime import timedelta

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from jinja2.exceptions import SecurityError

from services.notifier.policy import NotifierPolicy, choose_language, days_to_pay
from services.notifier.templates import Texts, names
from shared.ids import derive
from shared.texts import one_line

LADDER = {
    "sms.reminder", "sms.overdue", "sms.urgent", "wechat.reminder", "wechat.overdue",
    "call.first", "call.second", "call.final", "email.overdue", "email.final",
    "letter.first", "letter.final",
}  # fmt: skip
LANGUAGES = ("zh-CN", "en")
EVERY = [(language, template) for language in LANGUAGES for template in sorted(LADDER)]
EVERY += [("en", f"{template}.collector") for template in sorted(LADDER)]
TEXTS = Texts(NotifierPolicy())


def request(language="en", template="letter.first", **fields):
    return {
        "follow_up_id": derive("a follow-up"),
        "language": language,
        "template": template,
        "creditor": "BANK-1",
        "accounts": ["6222000012345678"],
        "overdue": [{"currency": "CNY", "amount_minor": 123450}],
        "dpd": 4,
        "as_of_on": "2026-03-02",
        "oldest_due_on": "2026-02-26",
        "pay_by_on": "2026-03-16",
        "addressee": "Harbour Road 1",
        **fields,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_the_templates_that_the_ladder_names_and_frames_for_notes(language):
    notes = {f"note.{channel}" for channel in ("sms", "email", "wechat")}
    collectors = {f"{name}.collector" for name in LADDER | notes} if language == "en" else set()
    assert names(language) == LADDER | notes | collectors | {"call.locate"}


@pytest.mark.parametrize(("language", "template"), EVERY)
def test_every_text_names_amount_creditor_and_deadline_and_no_whole_account(language, template):
    text = TEXTS.render(request(language, template))
    assert "BANK-1" in text
    assert "1,234.50" in text
    assert "5678" in text
    assert "6222" not in text
    assert ("March 16, 2026" if language == "en" else "2026年3月16日") in text
    assert "{" not in text


@pytest.mark.parametrize(("language", "template"), EVERY)
def test_every_text_but_the_gentle_ones_tells_whom_to_call_and_where_to_complain(
    language, template
):
    policy = NotifierPolicy(hotline="4001", complaints="4002")
    text = Texts(policy).render(request(language, template))
    assert "4001" in text
    assert ("4002" in text) == ("reminder" not in template)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", ["letter.first", "letter.final", "email.final"])
def test_a_letter_says_how_late_how_to_pay_and_how_to_dispute(language, template):
    policy = NotifierPolicy(website="https://pay.example")
    text = Texts(policy).render(request(language, template, dpd=47))
    words = ("异议", "困难", "依法") if language == "zh-CN" else ("wrong", "difficult", "the law")
    for word in ("47", "https://pay.example", derive("a follow-up"), *words):
        assert word in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_fees_are_named_only_where_there_are_any(language):
    word = "其中费用" if language == "zh-CN" else "Of which fees"
    fees = [{"currency": "CNY", "amount_minor": 4200}]
    assert word not in TEXTS.render(request(language))
    text = TEXTS.render(request(language, fees=fees))
    assert word in text
    assert "42.00" in text


@pytest.mark.parametrize(("language", "template"), EVERY)
@pytest.mark.parametrize("evil", ["{{ 7 * 7 }}", "{% raw %}", "A\nBcc: all@bank", "\u202etxt\x1b"])
def test_a_value_is_never_more_than_a_value(language, template, evil):
    harmless = TEXTS.render(request(language, template, creditor="BANK-1"))
    text = TEXTS.render(request(language, template, creditor=evil))
    assert one_line(evil) in text
    assert text.count("\n") == harmless.count("\n")
    assert "49" not in text.replace(derive("a follow-up"), "")
    assert not {"\u202e", "\x1b"} & set(text)


def test_an_account_of_a_hostile_shape_adds_no_line_either():
    assert TEXTS.render(request(accounts=["x\n{{a}}\ny"])).count("\n") == TEXTS.render(
        request()
    ).count("\n")


@pytest.mark.parametrize(
    ("account", "shown"), [("12345678", "5678"), ("1234", "34"), ("12", "2"), ("1", "1")]
)
def test_of_an_account_only_the_ending_is_shown(account, shown):
    assert f"ending {shown} " in TEXTS.render(request("en", "sms.reminder", accounts=[account]))


@pytest.mark.parametrize(
    ("currency", "minor", "english", "chinese"),
    [
        ("CNY", 0, "CN¥0.00", "¥0.00"),
        ("CNY", 5, "CN¥0.05", "¥0.05"),
        ("CNY", 10**15, "CN¥10,000,000,000,000.00", "¥10,000,000,000,000.00"),
        ("JPY", 5000, "¥5,000", "JP¥5,000"),
        ("KWD", 1234, "KWD1.234", "KWD1.234"),
        ("USD", 199, "$1.99", "US$1.99"),
    ],
)
def test_amounts_are_written_in_the_units_of_their_currency(currency, minor, english, chinese):
    overdue = [{"currency": currency, "amount_minor": minor}]
    assert english in TEXTS.render(request("en", "sms.overdue", overdue=overdue))
    assert chinese in TEXTS.render(request("zh-CN", "sms.overdue", overdue=overdue))


def test_amounts_of_two_currencies_are_named_beside_each_other():
    overdue = [{"currency": "CNY", "amount_minor": 100}, {"currency": "USD", "amount_minor": 200}]
    assert "CN¥1.00 and $2.00" in TEXTS.render(request("en", "sms.overdue", overdue=overdue))


def test_one_day_is_one_day():
    assert "1 day overdue" in TEXTS.render(request("en", "sms.overdue", dpd=1))
    assert "12 days overdue" in TEXTS.render(request("en", "sms.overdue", dpd=12))


def test_the_creditor_is_called_as_the_bank_wants():
    policy = NotifierPolicy(creditors={"BANK-1": {"en": "First Bank", "zh-CN": "第一银行"}})
    assert "First Bank" in Texts(policy).render(request("en", "sms.overdue"))
    assert "第一银行" in Texts(policy).render(request("zh-CN", "sms.overdue"))
    assert "Your bank" in TEXTS.render(request("en", "sms.overdue", creditor=""))


def test_a_value_that_is_missing_stops_the_text():
    incomplete = request()
    del incomplete["dpd"]
    with pytest.raises((UndefinedError, KeyError)):
        TEXTS.render(incomplete)
    with pytest.raises(UndefinedError):
        TEXTS._templates._jinja.from_string("{{ nobody }}").render({})  # noqa: SLF001


def test_a_template_cannot_reach_the_program():
    with pytest.raises(SecurityError):
        TEXTS._templates._jinja.from_string("{{ x.__class__.__mro__ }}").render(x="")  # noqa: SLF001


@pytest.mark.parametrize("template", ["sms.nothing", "../zh-CN/sms.overdue"])
def test_a_template_that_does_not_exist_is_an_error(template):
    with pytest.raises(TemplateNotFound):
        TEXTS.render(request(template=template))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("en", "en"), ("en-GB", "en"), ("EN", "en"), ("zh-CN", "zh-CN"), ("zh-Hant-TW", "zh-CN"),
        ("fr", "zh-CN"), ("english", "zh-CN"),
    ],
)  # fmt: skip
def test_the_language_is_the_customers_or_the_banks(wanted, chosen):
    assert choose_language(wanted, NotifierPolicy()) == chosen
    assert choose_language("fr", NotifierPolicy(fallback_language="en")) == "en"


def test_of_two_languages_of_one_family_the_customers_is_chosen():
    policy = NotifierPolicy(languages=("zh-CN", "zh-TW"))
    assert choose_language("zh-TW", policy) == "zh-TW"


@pytest.mark.parametrize("template", ["note.sms", "note.email", "note.wechat"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_frame_holds_the_note_between_who_writes_and_whom_to_call(language, template):
    text = TEXTS.render(request(language, template, note="Your {{ payment }} arrived"))
    assert text.index("BANK-1") < text.index("Your {{ payment }} arrived") < text.index("400-000")
    with pytest.raises(UndefinedError):
        TEXTS.render(request(language, template))


@pytest.mark.parametrize("template", sorted(LADDER))
def test_a_collector_names_itself_and_that_it_collects_a_debt(template):
    policy = NotifierPolicy(collector={"en": "Harbour Collections"})
    text = Texts(policy).render(request("en", f"{template}.collector"))
    assert "Harbour Collections" in text
    assert "debt collector" in text
    assert days_to_pay(f"{template}.collector", policy) == days_to_pay(template, policy)


def test_a_letter_names_its_addressee():
    for language in LANGUAGES:
        assert "Li Na, Road 1" in TEXTS.render(request(language, addressee="Li Na,\nRoad 1"))


def test_the_bank_sets_the_deadlines():
    policy = NotifierPolicy(pay_within_days={"letter.first": 21}, pay_within_days_else=4)
    assert days_to_pay("letter.first", policy) == 21
    assert days_to_pay("sms.overdue", policy) == 4
    assert NotifierPolicy().keep == timedelta(days=60)
