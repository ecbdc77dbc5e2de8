"""Case files may bear every key that RULES.md names, and every event that a shipped pack names begins or ends something."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from shared.compliance.casefile import CaseError, read_cases
from shared.compliance.entries import Entry
from shared.compliance.gate import Gate
from shared.compliance.known import Known
from shared.compliance.loading import load_packs
from shared.compliance.proposal import Proposal
from shared.compliance.rules import Fresh, Hold, Precondition

PACKS = load_packs(Path(__file__).parents[2] / "deploy" / "packs")
KEYS = (
    "person: P1, contacted: C1, debt: A, point: N1, creditor: BANK, collector: AG1, party: debtor, purpose: collect, "
    "role: third_party, language: en, voice: human, autodialled: true, place: work, product: credit_card, topic: loans, "
    "action: enforce, creditor_kind: bank, zones: [Asia/Shanghai], tags: [seal], conduct: {staff: 2}, case: D1, "
    "obtained_via: contract, how: by phone, evidence_id: 7, in_reply_to: m-1, ref: m-1, template: t1, amount: 100, n: note"
)
NAMES = sorted(
    {name for pack in PACKS for rule in pack.rules if isinstance(rule, Hold) for name in (rule.starts, rule.ends)}
    | {rule.needs for pack in PACKS for rule in pack.rules if isinstance(rule, Precondition)}
    | {name for pack in PACKS for rule in pack.rules if isinstance(rule, Fresh) for name in rule.any_event}
    | {"contact", "consent", "consent.withdrawn", "optout", "optin", "inconvenient.declared", "person.merged"}
    - {"never"}
)  # fmt: skip
MOMENT = "2026-11-02T10:00:00+08:00"


def _told(tmp_path, text):
    path = tmp_path / "cases.yaml"
    path.write_text(text, encoding="utf-8")
    return read_cases(path)


def _case(*, log="", base="", p=""):
    return (
        f"- id: K\n  packs: []\n  base: {{{base}}}\n  log:{log or ' []'}\n  asks:\n"
        f"  - p: {{at: '{MOMENT}'{p}}}\n    expect: {{is: allow}}\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_of_any_type_may_bear_any_key_that_the_rules_name(tmp_path, name):
    entry = (
        f"{{id: e1, src: s, type: {name}, at: '{MOMENT}', rec: '{MOMENT}', {KEYS}, direction: out}}"
    )
    (told,) = _told(tmp_path, _case(log=f"\n  - {entry}")).log(0)
    assert (told.type, told.person, told.debts, told.point) == (name, "P1", ("A",), "N1")
    assert (told.case, told.topic, told.direction) == ("D1", "loans", "out")


def test_a_proposal_may_bear_any_key_that_the_rules_name(tmp_path):
    suite = _told(tmp_path, _case(base=KEYS, p=", direction: out, channel: call, reply_to: m-1"))
    proposal = suite.proposal(0, 0)
    assert (proposal.place, proposal.topic, proposal.language) == ("work", "loans", "en")
    assert (proposal.tags, proposal.conduct) == (frozenset({"seal"}), {"staff": 2})


def test_other_words_for_a_key_mean_the_same(tmp_path):
    log = f"""
  - {{type: consent, kind: quiet_hours, occurred_at: '{MOMENT}', start: '2026-11-03T00:00:00+08:00', end: '2026-11-09'}}
  - {{type: optout, scope: medium, medium: sms, at: '{MOMENT}', recorded_at: '2026-11-04T00:00:00+08:00'}}
  - {{type: optout, scope: address, address: N1, at: '{MOMENT}'}}
  - {{type: inconvenient.declared, local: 09:00-12:00, at: '{MOMENT}', contacted_person: 17}}"""
    consent, medium, address, declared = _told(tmp_path, _case(log=log)).log(0)
    assert (consent.at - consent.rec, str(consent.until_on)) == (timedelta(hours=14), "2026-11-09")
    assert (medium.channel, medium.rec.day, address.point) == ("sms", 4, "N1")
    assert (declared.local, declared.contacted) == (("09:00-12:00",), "17")
    assert len({entry.id for entry in (consent, medium, address, declared)}) == 4


def test_two_words_for_one_key_are_one_too_many(tmp_path):
    log = f"\n  - {{type: optout, medium: sms, channel: sms, at: '{MOMENT}'}}"
    with pytest.raises(CaseError, match=r"stands beside another `channel`"):
        _told(tmp_path, _case(log=log)).log(0)


def _event(name, **facts):
    return msgspec.convert({"id": "e1", "type": name, "at": MOMENT, **facts}, Entry)


@pytest.mark.parametrize(
    ("pack", "rule"),
    [
        (pack, rule)
        for pack in PACKS
        for rule in pack.rules
        if isinstance(rule, Hold) and rule.effect == "block" and not rule.when.channel_in
    ],
    ids=lambda each: each.pack if hasattr(each, "pack") else each.id,
)
def test_every_hold_of_the_packs_begins_by_its_event_and_ends_by_its_end(pack, rule):
    common = {"person": "P1", "debts": ["A"], "point": "N1", "contacted": "C1", "case": "D1"}
    start = _event(rule.starts, **common)
    p = Proposal(
        at=start.at, channel="email", purpose="collect", party="debtor", person="P1", contacted="C1",
        debts=("A",), point="N1", place="work", role="third_party", zones=("Asia/Shanghai",),
    )  # fmt: skip
    only = Gate([msgspec.structs.replace(pack, rules=(rule,))])
    assert only.verdict(p, Known([])).allowed
    held = only.verdict(p, Known([start]))
    assert held.blocked_by == (rule.id,)
    if rule.ends == "never":
        assert held.earliest_next is None
        return
    ended = msgspec.structs.replace(start, id="e2", type=rule.ends, at=start.at + timedelta(days=1))
    if rule.ends.startswith("consent."):
        kind = rule.ends.removeprefix("consent.")
        ended = msgspec.structs.replace(ended, type="consent", kind=kind)
    after = msgspec.structs.replace(p, at=ended.at)
    assert only.verdict(after, Known([start, ended])).allowed
    before = msgspec.structs.replace(p, at=ended.at - timedelta(seconds=1))
    assert not only.verdict(before, Known([start, ended])).allowed
