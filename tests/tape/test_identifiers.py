"""Customer ids that are personal numbers are recognised, and ids that only look long are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.identifiers import id_card, luhn, personal
from shared.ids import derive

PHONE, ID_CARD, CARD = "a telephone number", "an identity card number", "a payment card number"


@pytest.mark.parametrize(
    ("customer_id", "kind"),
    [
        ("13800138000", PHONE),
        ("138 0013 8000", PHONE),
        ("138-0013-8000", PHONE),
        ("+86 138 0013 8000", PHONE),
        ("8613800138000", PHONE),
        ("008613800138000", PHONE),
        ("C13800138000", PHONE),
        ("CUST-13800138000", PHONE),
        ("cust_19912345678_a", PHONE),
        ("CUST-2024-13800138000-2", PHONE),
        ("+442079460958", PHONE),
        ("１３８００１３８０００", PHONE),
        ("11010519491231002X", ID_CARD),
        ("11010519491231002x", ID_CARD),
        ("ID:110105 19491231 002X", ID_CARD),
        ("4111111111111111", CARD),
        ("4111 1111 1111 1111", CARD),
        ("4111-1111-1111-1111", CARD),
        ("378282246310005", CARD),
        ("4222222222222", CARD),
        ("6304000000000000000", CARD),
        ("12800138000", None),
        ("1380013800", None),
        ("138001380001", None),
        ("110105194912310021", None),
        ("4111111111111112", None),
        ("41111111111111111111", None),
        ("C-000001", None),
        ("S-REV-00001", None),
        ("uci-30000-card", None),
        ("客户-42", None),
        ("a13800138000f", None),
        ("4111111111111111abc", None),
    ],
)
def test_numbers_of_persons_are_recognised_and_others_are_not(customer_id, kind):
    assert personal(customer_id) == kind


@given(st.text(max_size=50))
def test_derived_ids_are_never_taken_for_numbers(text):
    assert personal(derive("customer", text.replace("\n", " "))) is None


def test_the_check_digits_are_the_published_ones():
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert id_card("11010519491231002X")
    assert not id_card("110105194912310029")
