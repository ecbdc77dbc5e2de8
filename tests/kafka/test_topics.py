import asyncio

import pytest

from services.legal.service import LEGAL
from services.notifier.service import NOTIFIER
from services.scheduler.service import SCHEDULER
from shared.messaging.topics import PartitionsDiffer, ensure_topics, topics_of


def test_a_service_reads_where_its_events_stand_but_not_itself():
    assert topics_of(SCHEDULER, keeps_vault=False) == (
        "core-banking",
        "legal",
        "notifier",
        "visits",
    )
    assert topics_of(NOTIFIER, keeps_vault=True) == ("core-banking", "legal", "scheduler", "visits")
    assert topics_of(LEGAL, keeps_vault=False) == ("notifier", "scheduler", "visits")


async def test_four_services_that_make_the_topics_at_once_agree(kafka, fresh_name):
    names = [fresh_name(word) for word in ("a", "b", "c")]
    await asyncio.gather(*(ensure_topics(kafka, 4, topics=names) for _ in range(4)))
    await ensure_topics(kafka, 4, topics=names)


async def test_another_number_of_partitions_is_refused_by_name(kafka, fresh_name):
    names = [fresh_name("a"), fresh_name("b")]
    await ensure_topics(kafka, 4, topics=names[:1])
    with pytest.raises(PartitionsDiffer, match=f"must have 6 partitions, and {names[0]} has 4"):
        await ensure_topics(kafka, 6, topics=names)
