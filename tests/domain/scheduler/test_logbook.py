"""What the log keeps: as long as a rule can look back, and what no window bounds."""

from pathlib import Path

from msgspec.structs import replace

from services.scheduler.domain import logbook
from shared.compliance.entries import Entry
from shared.compliance.loading import load_packs
from shared.testing import START, days
from tests.domain.scheduler.cases import SHIPPED, story


def test_the_log_keeps_the_calls_and_conversations_that_may_outlive_every_window():
    reach = logbook.Reach.of(SHIPPED.packs)
    kinds = {
        "a call": {"channel": "call", "result": "no_answer"},
        "a text": {"channel": "sms", "result": "delivered"},
        "a talk": {"channel": "visit", "result": "effective"},
    }
    log = {
        name: Entry(
            id=name, src="s", type="contact", at=START, direction="out", purpose="collect", **told
        )
        for name, told in kinds.items()
    }
    case = story().state
    consent = {"c": Entry(id="c", src="s", type="consent", kind="callback", at=START)}

    def kept(entries, after):
        return set(logbook.pruned(replace(case, log=entries), START + days(after), reach, 90).log)

    assert kept(log, 6) == {"a call", "a text", "a talk"}
    assert kept(log, 20) == {"a call"}, "three in a row may tell that a debtor is unreachable"
    assert kept(log | consent, 20) == {"a call", "a talk", "c"}, "the next talk ends a callback"
    assert kept(log | consent, 500) == {"c"}


def test_a_span_of_working_days_looks_further_back_than_its_number():
    spans = load_packs(Path(__file__).parents[2] / "compliance" / "packs")
    reach = logbook.Reach.of(tuple(spans))
    text = Entry(id="t", src="s", type="contact", at=START, channel="sms", direction="out")
    case = replace(story().state, log={"t": text})
    after = {n: logbook.pruned(case, START + days(n), reach, 90).log for n in (12, 46, 60)}
    assert [set(log) for log in after.values()] == [{"t"}, {"t"}, set()]
