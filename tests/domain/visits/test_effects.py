"""What the field staff are handed: the order, with the address from the vault."""

from datetime import timedelta

from services.visits.effects import prepare
from services.visits.policy import VisitPolicy
from services.visits.service import VISITS
from shared.events.scheduler import Amount
from shared.messaging.effects import ClaimedEffect
from shared.testing import Story, given, tick
from tests.domain.visits.stories import C1, EVENING, NOON, due, granted, situation


class Addresses:
    """A vault in memory: what is looked up stands in the constructor."""

    def __init__(self, **values: str) -> None:
        self._values = values

    async def value(self, customer_id: str, point_id: str) -> str | None:
        return self._values.get(f"{customer_id}_{point_id}")


def claimed(story: Story) -> ClaimedEffect:
    effect = story.effects[-1]
    return ClaimedEffect(
        effect_id=effect.effect_id,
        customer_id=C1,
        kind=effect.kind,
        request=effect.request,
        not_before=effect.not_before,
        not_after=effect.not_after,
    )


def ordered_visit() -> ClaimedEffect:
    overdue = (
        Amount(currency="CNY", amount_minor=512_345),
        Amount(currency="JPY", amount_minor=700),
    )
    return claimed(
        given(VISITS, due(situation=situation(overdue=overdue)), tick(), granted(), tick())
    )


async def test_an_order_waits_while_the_address_is_not_known():
    assert await prepare(ordered_visit(), Addresses()) is None


async def test_the_order_says_where_when_who_and_what_to_show():
    order = ordered_visit()
    handed = await prepare(order, Addresses(C1_P1="北京市\n示例路1号"))

    assert handed is not None
    assert handed.to == ",".join(order.request["staff"])
    for words in (
        "地址：北京市 示例路1号",
        "2026年3月4日",
        order.request["identity_card"],
        "、".join(order.request["staff"]),
        "第1次",
        "45天",
        "¥5,123.45、JP¥700",
    ):
        assert words in handed.content["text"]


async def test_the_order_binds_the_staff_to_the_hours_of_the_permit():
    hours = {"not_before": NOON + timedelta(hours=1), "not_after": EVENING - timedelta(hours=2)}
    order = claimed(given(VISITS, due(), tick(), granted(**hours), tick()))
    handed = await prepare(order, Addresses(C1_P1="北京市示例路1号"))

    assert handed is not None
    assert "时间：13:00至18:00（Asia/Shanghai）" in handed.content["text"]
    told = (handed.content["not_before"], handed.content["not_after"])
    assert told == ("2026-03-04T05:00:00+00:00", "2026-03-04T10:00:00+00:00")


async def test_the_order_is_written_in_the_language_of_the_staff():
    policy = VisitPolicy(staff_language="en")
    handed = await prepare(ordered_visit(), Addresses(C1_P1="1 Example Road"), policy=policy)

    assert handed is not None
    assert "Address: 1 Example Road" in handed.content["text"]
    assert "March 4, 2026" in handed.content["text"]
    assert "from 12:00 to 20:00 (Asia/Shanghai)" in handed.content["text"]
