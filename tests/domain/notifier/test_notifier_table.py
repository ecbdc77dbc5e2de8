"""What each event does in each stage: the page to read first. A cell is the event and the tick after it."""

import pytest

from services.notifier.service import NOTIFIER
from shared.events.registry import WOKEN
from shared.testing import Story, fact, given, tick
from tests.domain.notifier.told import (
    CHOICES,
    PROMISED_ON,
    SMS,
    at,
    cancelled,
    contacting,
    due,
    minutes,
    receipt,
)

STAGES: dict[str, tuple[str, Story]] = {
    "nothing known": ("idle", given(NOTIFIER)),
    "sms under way": ("contacting", contacting()),
    "sms left": ("contacting", contacting().given(*at(1, receipt(SMS, "sent")))),
    "last choice": ("contacting", contacting(CHOICES[:1])),
    "delivered": ("idle", contacting().given(*at(1, receipt(SMS, "delivered")))),
    "reached": ("idle", contacting().given(*at(1, receipt(SMS, "answered", result="refused")))),
    "exhausted": (
        "idle",
        contacting(CHOICES[:1]).given(*at(1, receipt(SMS, "failed", reason="blocked"))),
    ),
    "cancelled": ("idle", contacting().given(*at(1, cancelled()))),
    "cancelled early": ("idle", given(NOTIFIER, *at(1, cancelled()))),
}
NOW = minutes(5)
EVENTS = {
    "due": fact(due(), NOW),
    "due, visit": fact(due(kind="visit"), NOW),
    "cancelled": fact(cancelled(), NOW),
    "cancelled, visit": fact(cancelled(kind="visit"), NOW),
    "sent": fact(receipt(SMS, "sent"), NOW),
    "delivered": fact(receipt(SMS, "delivered"), NOW),
    "answered": fact(receipt(SMS, "answered", result="hardship"), NOW),
    "promised": fact(receipt(SMS, "answered", result="promised", promised_on=PROMISED_ON), NOW),
    "failed": fact(receipt(SMS, "failed", reason="unreachable"), NOW),
    "invalid": fact(receipt(SMS, "failed", reason="invalid_point"), NOW),
    "refused": fact(receipt(SMS, "refused", reason="expired"), NOW),
    "unknown": fact(receipt(SMS, "unknown"), NOW),
    "tick": tick(NOW),
    "stale tick": tick(NOW, fresh=False),
}

# Each cell: the stage after it: what is published > what leaves < what is taken back.
TABLE = {
    "nothing known": {
        "due": "contacting: > contact.sms",
        "due, visit": "idle:",
        "cancelled": "idle:",
        "cancelled, visit": "idle:",
        "sent": "idle:",
        "delivered": "idle:",
        "answered": "idle:",
        "promised": "idle:",
        "failed": "idle:",
        "invalid": "idle:",
        "refused": "idle:",
        "unknown": "idle:",
        "tick": "idle:",
        "stale tick": "idle:",
    },
    "sms under way": {
        "due": "contacting:",
        "due, visit": "contacting:",
        "cancelled": "idle: < 1",
        "cancelled, visit": "contacting:",
        "sent": "contacting: contact.sent",
        "delivered": "idle: contact.sent contact.delivered",
        "answered": "idle: contact.sent contact.answered",
        "promised": "idle: contact.sent contact.answered promise.made",
        "failed": "contacting: contact.failed > contact.call",
        "invalid": "contacting: contact.failed contact_point.invalidated > contact.call",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "contacting:",
        "stale tick": "contacting:",
    },
    "sms left": {
        "due": "contacting:",
        "due, visit": "contacting:",
        "cancelled": "idle:",
        "cancelled, visit": "contacting:",
        "sent": "contacting:",
        "delivered": "idle: contact.delivered",
        "answered": "idle: contact.answered",
        "promised": "idle: contact.answered promise.made",
        "failed": "contacting: contact.failed > contact.call",
        "invalid": "contacting: contact.failed contact_point.invalidated > contact.call",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "contacting:",
        "stale tick": "contacting:",
    },
    "last choice": {
        "due": "contacting:",
        "due, visit": "contacting:",
        "cancelled": "idle: < 1",
        "cancelled, visit": "contacting:",
        "sent": "contacting: contact.sent",
        "delivered": "idle: contact.sent contact.delivered",
        "answered": "idle: contact.sent contact.answered",
        "promised": "idle: contact.sent contact.answered promise.made",
        "failed": "idle: contact.failed",
        "invalid": "idle: contact.failed contact_point.invalidated",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "contacting:",
        "stale tick": "contacting:",
    },
    "delivered": {
        "due": "idle:",
        "due, visit": "idle:",
        "cancelled": "idle:",
        "cancelled, visit": "idle:",
        "sent": "idle:",
        "delivered": "idle:",
        "answered": "idle: contact.answered",
        "promised": "idle: contact.answered promise.made",
        "failed": "idle: contact.failed",
        "invalid": "idle: contact.failed contact_point.invalidated",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "idle:",
        "stale tick": "idle:",
    },
    "reached": {
        "due": "idle:",
        "due, visit": "idle:",
        "cancelled": "idle:",
        "cancelled, visit": "idle:",
        "sent": "idle:",
        "delivered": "idle: contact.delivered",
        "answered": "idle:",
        "promised": "idle: promise.made",
        "failed": "idle: contact.failed",
        "invalid": "idle: contact.failed contact_point.invalidated",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "idle:",
        "stale tick": "idle:",
    },
    "exhausted": {
        "due": "idle:",
        "due, visit": "idle:",
        "cancelled": "idle:",
        "cancelled, visit": "idle:",
        "sent": "idle: contact.sent",
        "delivered": "idle: contact.sent contact.delivered",
        "answered": "idle: contact.sent contact.answered",
        "promised": "idle: contact.sent contact.answered promise.made",
        "failed": "idle:",
        "invalid": "idle: contact_point.invalidated",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "idle:",
        "stale tick": "idle:",
    },
    "cancelled": {
        "due": "idle:",
        "due, visit": "idle:",
        "cancelled": "idle: < 1",
        "cancelled, visit": "idle:",
        "sent": "idle: contact.sent",
        "delivered": "idle: contact.sent contact.delivered",
        "answered": "idle: contact.sent contact.answered",
        "promised": "idle: contact.sent contact.answered promise.made",
        "failed": "idle: contact.failed",
        "invalid": "idle: contact.failed contact_point.invalidated",
        "refused": "idle: contact.refused",
        "unknown": "idle: contact.unknown",
        "tick": "idle:",
        "stale tick": "idle:",
    },
    "cancelled early": {
        "due": "idle:",
        "due, visit": "idle:",
        "cancelled": "idle:",
        "cancelled, visit": "idle:",
        "sent": "idle:",
        "delivered": "idle:",
        "answered": "idle:",
        "promised": "idle:",
        "failed": "idle:",
        "invalid": "idle:",
        "refused": "idle:",
        "unknown": "idle:",
        "tick": "idle:",
        "stale tick": "idle:",
    },
}


def test_the_table_answers_every_event_in_every_stage():
    assert set(TABLE) == set(STAGES)
    assert all(set(row) == set(EVENTS) for row in TABLE.values())
    assert {event.type for event in EVENTS.values()} == NOTIFIER.reacts_to | {WOKEN}
    assert {stage for stage, _ in STAGES.values()} == {"idle", "contacting"}
    assert all(story.state.stage == stage for stage, story in STAGES.values())


@pytest.mark.parametrize(("stage", "event"), [(s, e) for s in TABLE for e in TABLE[s]])
def test_the_cell(stage, event):
    story = Story(NOTIFIER, state=STAGES[stage][1].state).when(EVENTS[event])
    if EVENTS[event].type != WOKEN:
        story.when(tick(NOW))
    found = f"{story.state.stage}: {' '.join(story.types())}"
    if story.effects:
        found += f" > {' '.join(leaving.kind for leaving in story.effects)}"
    if story.withdrawn:
        found += f" < {len(story.withdrawn)}"
    assert found.split() == TABLE[stage][event].split()
