"""Sealed sentences open for their customer and their message only, and the same again has the same bytes."""

import pytest

from shared.vault.keys import DataKey, SealBroken
from shared.vault.sentences import MARK, _bound, _cipher, open_sentence

KEY = DataKey.new()


def sealed(said="您的材料已收到。", customer="C1", about="M1", key=KEY):
    import base64  # noqa: PLC0415

    raw = _cipher(key).encrypt(said.encode(), _bound(customer, about))
    return MARK + base64.urlsafe_b64encode(raw).decode()


def test_it_opens_for_its_customer_and_message_only():
    assert sealed() == sealed()
    assert open_sentence(KEY, "C1", "M1", sealed()) == "您的材料已收到。"
    for customer, about, key in [("C2", "M1", KEY), ("C1", "M2", KEY), ("C1", "M1", DataKey.new())]:
        with pytest.raises(SealBroken):
            open_sentence(key, customer, about, sealed())


@pytest.mark.parametrize("broken", ["", MARK, MARK + "AAAA", "txt:2:zzzz", "您好"])
def test_what_is_no_seal_is_refused(broken):
    with pytest.raises(SealBroken):
        open_sentence(KEY, "C1", "M1", broken)
