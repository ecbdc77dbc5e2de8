"""What a mask shows, and that it hides the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy.masks import BY_KIND, MASKS, masked


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("phone", "13812348888", "138****8888"),
        ("phone", "+86 138 1234 8888", "+86138****8888"),
        ("phone", "１３８１２３４８８８８", "138****8888"),
        ("phone", "+442071838750", "+442*****8750"),
        ("phone", "021-5555-0100", "021****0100"),
        ("phone", "5550100", "*****00"),
        ("phone", "110", "****"),
        ("id_card", "11010519491231002X", "110105***********X"),
        ("id_card", "12345", "****"),
        ("card", "4111 1111 1111 1111", "411111******1111"),
        ("card", "4111", "****"),
        ("email", "li.wei@example.com", "l***@example.com"),
        ("email", "l@example.com", "***@example.com"),
        ("email", "no address", "****"),
        ("wechat", "LiWei_88", "L***8"),
        ("wechat", "ab", "****"),
        ("address", "上海市静安区南京西路1号", "上海市****"),
        ("address", "广东省深圳市福田区1号", "广东省****"),
        ("address", "12 Main Street", "****"),
        ("name", "李伟", "李**"),
    ],
)
def test_what_a_mask_shows(mask, value, shown):
    assert MASKS[mask](value) == shown


@given(st.sampled_from(sorted(BY_KIND)), st.text(max_size=40))
def test_a_mask_never_shows_a_value_whole(kind, value):
    shown = masked(kind, value)
    assert "**" in shown
    assert not value.strip() or value.strip("* @") == "" or shown != value


@given(st.integers(10**9, 10**15).map(str))
def test_of_a_telephone_number_at_most_seven_digits_are_seen(number):
    assert sum(map(str.isdigit, masked("mobile", number))) <= 7
    assert sum(map(str.isdigit, MASKS["card"](number))) <= 10


def test_a_kind_without_a_mask_is_hidden():
    assert masked("telex", "12345") == "****"
