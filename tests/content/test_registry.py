"""The register: which text may be used, when, for whom; and that the shipped one is true of the shipped texts."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import services
from services.legal.policy import LegalPolicy
from services.notifier.policy import NotifierPolicy, choose_language
from shared.content.loading import (
    STANDARD_CONTENT,
    ContentError,
    has_examples,
    load,
    phrases,
    texts,
)
from shared.content.registry import Registry
from shared.production import CHECKS

ON = date(2026, 11, 23)
SERVICES = Path(services.__file__).parent
STANDARD = load()
ART69 = {
    "name_and_balance", "reason_and_law", "rights_and_duties", "how_to_query_dispute_evidence",
    "issuer_contact", "seal",
}  # fmt: skip


@pytest.fixture
def installation(tmp_path):
    """A copy of texts and register, to spoil."""
    for service, language, name in texts():
        to = tmp_path / "services" / service / "templates" / language
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(SERVICES / service / "templates" / language / f"{name}.txt", to)
    shutil.copytree(STANDARD_CONTENT, tmp_path / "content")
    return tmp_path


def reload(installation) -> Registry:
    return load(installation / "content", services=installation / "services")


def change(installation, of_template, of_language, /, **fields):
    path = installation / "content" / "templates.yaml"
    yaml = YAML(typ="safe", pure=True)
    tree = yaml.load(path.read_text())
    for entry in tree["templates"]:
        if (entry["template"], entry["language"]) == (of_template, of_language):
            entry.update(fields)
            break
    else:
        raise AssertionError(of_template)
    with path.open("w") as file:
        yaml.dump(tree, file)


def edit(installation, service, language, template, old, new):
    path = installation / "services" / service / "templates" / language / f"{template}.txt"
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new))


def test_every_text_is_registered_as_it_was_approved_and_its_tags_are_true():
    registered = {
        (each.service, each.language, each.template) for each in load().registered().templates
    }
    assert registered == set(texts())


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("letter", ["letter.first", "letter.final", "legal.letter"])
def test_letters_bear_all_that_article_69_demands(language, letter):
    assert STANDARD.tags(letter, language, ON, products=["credit_card"]) >= ART69


def test_every_text_to_the_customer_names_the_institution():
    for each in STANDARD.registered().templates:
        if each.audience == "customer":
            assert "institution_identity" in each.tags, each.key


def test_english_messages_say_how_to_opt_out_and_collectors_that_they_are_collectors():
    for each in STANDARD.registered().templates:
        if each.language == "en" and each.channel in {"sms", "email", "wechat"}:
            assert "opt_out_instruction" in each.tags, each.key
        assert ("debt_collector_disclosure" in each.tags) == each.template.endswith(".collector")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_who_asks_a_third_person_says_nothing_of_a_debt(language):
    tags = STANDARD.tags("call.locate", language, ON)
    assert tags >= {"caller_name", "locate_statement"}
    assert not tags & {"debt_existence", "debt_amount", "overdue_status"}


def test_a_text_that_speaks_of_the_court_is_known_to_do_so():
    for language in ("zh-CN", "en"):
        for template in ("email.final", "letter.final", "call.final", "legal.letter"):
            assert "threat_suit" in STANDARD.tags(template, language, ON)
        assert "threat_suit" not in STANDARD.tags("sms.urgent", language, ON)


def test_unregistered_unapproved_changed_outdated_or_not_meant_for_it_is_no_text(installation):
    change(installation, "sms.overdue", "en", approval=None)
    change(installation, "sms.urgent", "en", valid={"from": "2026-11-23", "to": "2026-11-30"})
    change(installation, "letter.first", "en", products=["credit_card"])
    there = reload(installation)
    assert there.tags("sms.nothing", "en", ON) is None
    assert there.tags("sms.overdue", "en", ON) is None
    assert there.tags("sms.urgent", "en", date(2026, 11, 22)) is None
    assert there.tags("sms.urgent", "en", date(2026, 11, 23)) is not None
    assert there.tags("sms.urgent", "en", date(2026, 11, 30)) is not None
    assert there.tags("sms.urgent", "en", date(2026, 12, 1)) is None
    assert there.tags("letter.first", "en", ON, products=["credit_card"]) is not None
    assert there.tags("letter.first", "en", ON, products=["credit_card", "car_loan"]) is None
    assert there.tags("sms.reminder.collector", "en", ON, role="first_party") is None
    assert there.tags("sms.reminder.collector", "en", ON, role="third_party") is not None
    assert there.tags("sms.reminder", "en", ON, channel="wechat") is None
    changed = Registry(there.registered(), changed=[("sms.reminder", "en")])
    assert changed.tags("sms.reminder", "en", ON) is None
    assert changed.tags("sms.reminder", "zh-CN", ON) is not None


def test_the_collectors_variant_is_chosen_for_those_who_collect_for_others():
    assert STANDARD.named("sms.overdue", "en-US", "third_party") == "sms.overdue.collector"
    assert STANDARD.named("sms.overdue", "en", "first_party") == "sms.overdue"
    assert STANDARD.named("sms.overdue", "en") == "sms.overdue"
    assert STANDARD.named("sms.overdue", "zh-CN", "third_party") == "sms.overdue"


@pytest.mark.parametrize(
    "wanted", ["en", "en-GB", "EN", "zh-CN", "zh-Hant-TW", "fr", "english", ""]
)
def test_the_register_and_the_notifier_choose_the_same_language(wanted):
    policy = NotifierPolicy()
    assert STANDARD.language(wanted) == choose_language(wanted, policy)
    assert STANDARD.registered().languages == policy.languages
    assert policy.fallback_language == STANDARD.registered().languages[0]
    assert LegalPolicy().letter_language == STANDARD.registered().languages[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Please pay by", "Please pay before", "not the approved one"),
        ("{{ creditor }}:", "Hello:", "institution_identity' is not true"),
        ("reply STOP", "be patient", "opt_out_instruction' is not true"),
        ("Complaints:", "We may go to court. Complaints:", "'threat_suit' is missing"),
    ],
)
def test_a_changed_text_is_refused_and_what_it_says_wrongly_is_named(installation, old, new, said):
    edit(installation, "notifier", "en", "sms.overdue", old, new)
    with pytest.raises(ContentError, match=re.escape(said)) as refused:
        reload(installation)
    assert "notifier/en/sms.overdue" in str(refused.value)


def test_a_text_approved_again_is_taken(installation):
    edit(installation, "notifier", "en", "sms.overdue", "Please pay by", "Please pay before")
    with pytest.raises(ContentError) as refused:
        reload(installation)
    digest = re.search(r"digest: .([0-9a-f]{64})", str(refused.value))[1]
    change(installation, "sms.overdue", "en", digest=digest, version="2026.11.1")
    assert reload(installation).tags("sms.overdue", "en", ON)


def test_a_text_that_nobody_registered_and_an_entry_without_a_text_are_refused(installation):
    folder = installation / "services" / "notifier" / "templates" / "en"
    (folder / "sms.overdue.txt").rename(folder / "sms.nice.txt")
    with pytest.raises(ContentError) as refused:
        reload(installation)
    assert "sms.nice: this text is not registered" in str(refused.value)
    assert "sms.overdue: registered, but there is no such text" in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tags": ["institution_identitty"]}, "is not known"),
        ({"tags": ["Institution"]}, "tags"),
        ({"channel": "fax"}, "fax"),
        ({"approved": True}, "approved"),
        ({"valid": {"to": "2026-01-01"}}, "from"),
        ({"language": "zh-TW"}, "not in `languages`"),
        ({"language": "zh-CN"}, "stands twice"),
        ({"approval": {"by": "Li Na", "on": "2026-01-01", "reference": "x"}}, "by"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named(installation, fields, said):
    change(installation, "sms.overdue", "en", **fields)
    with pytest.raises(ContentError, match=re.escape(said)):
        reload(installation)


def test_a_key_that_stands_twice_is_refused(installation):
    path = installation / "content" / "templates.yaml"
    path.write_text(path.read_text() + "languages: [en]\n")
    with pytest.raises(ContentError, match="languages"):
        reload(installation)


def test_production_does_not_send_what_only_our_examples_approved(installation):
    assert has_examples("")
    path = installation / "content" / "templates.yaml"
    path.write_text(path.read_text().replace("by: example", "by: approver-17"))
    assert not has_examples(str(path.parent))
    assert "example-texts" in {check.name for check in CHECKS}


def test_both_languages_can_prove_the_same():
    assert phrases("en").tags == phrases("zh-CN").tags
    with pytest.raises(ContentError, match="no texts can be judged"):
        phrases("fr")
