"""What the debtor and the courts are handed: letters and forms, with the address from the vault."""

from typing import Any

import pytest

from services.legal.effects import prepare
from services.legal.policy import LegalPolicy
from services.legal.service import LEGAL
from shared.messaging.effects import ClaimedEffect
from shared.testing import Story, given, tick
from tests.domain.legal.stories import C1, due, enforcing, filing_on_its_way, granted, situation


class Addresses:
    """A vault in memory: what is looked up stands in the constructor."""

    def __init__(self, **values: str) -> None:
        self._values = values

    async def value(self, customer_id: str, point_id: str) -> str | None:
        return self._values.get(f"{customer_id}_{point_id}")


VAULT: Any = Addresses(C1_P1="北京市示例路1号")
EMPTY: Any = Addresses()


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


def letter_to(language: str) -> ClaimedEffect:
    picture = situation(language=language, creditor="", accounts=("6222020001",))
    return claimed(given(LEGAL, due(situation=picture), tick(), granted(), tick()))


@pytest.mark.parametrize("effect", [letter_to("en"), claimed(filing_on_its_way())])
async def test_a_letter_and_a_claim_wait_while_the_address_is_not_known(effect: ClaimedEffect):
    assert await prepare(effect, EMPTY) is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en-GB",
            ("Your bank", "ending 0001", "November 2, 2025", "CN¥8,000.00", "within 15 days"),
        ),
        ("zh-CN", ("您的贷款银行", "尾号0001", "2025年11月2日", "¥8,000.00", "15日内")),
        ("fr", ("您的贷款银行", "15日内")),
    ],
)
async def test_a_letter_goes_to_the_debtor_in_a_language_that_there_is(language, words):
    handed = await prepare(letter_to(language), VAULT)

    assert handed is not None
    assert handed.to == "北京市示例路1号"
    assert all(each in handed.content["text"] for each in words)
    assert "6222020001" not in handed.content["text"]


async def test_a_claim_goes_to_the_court_and_names_the_address_for_service():
    handed = await prepare(claimed(filing_on_its_way()), VAULT)

    assert handed is not None
    assert (handed.to, handed.content["amount_minor"]) == ("CN/basic-peoples-court", 800_000)
    assert "北京市示例路1号" in handed.content["text"]
    assert "BANK" in handed.content["text"]


async def test_enforcement_is_applied_for_at_the_court_without_an_address():
    english = LegalPolicy(court_language="en", creditors={"BANK": {"en": "Example Bank"}})
    handed = await prepare(claimed(enforcing()), EMPTY, policy=english)

    assert handed is not None
    assert handed.to == "CN/basic-peoples-court"
    assert handed.content["case_no"] == "(2026) 1"
    assert all(
        each in handed.content["text"] for each in ("(2026) 1", "Example Bank", "CN¥8,000.00")
    )
