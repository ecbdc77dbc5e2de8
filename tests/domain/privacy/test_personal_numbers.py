"""Which numbers an event may not carry, and which look alike and may."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical import canonical
from shared.events.core_banking import (
    ContactPoint,
    CustomerUpdated,
    Jurisdiction,
    PaymentReceived,
    PaymentReversed,
)
from shared.events.identifiers import luhn
from shared.events.jsonl import LineError, read_line, write_line
from shared.events.personal_numbers import (
    CARD,
    ID_CARD,
    number_in,
    refused_fact,
    refused_field,
    refused_value,
)
from shared.testing import START, fact

VISA, UNIONPAY, AMEX = "4111111111111111", "6222021234567890128", "378282246310005"
ID = "11010519491231002X"


def reversed_because(reason, payment="P1", account="A1"):
    return PaymentReversed(
        customer_id="C1", payment_id=payment, account_id=account, reason=reason
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (VISA, CARD),
        (f"paid by card{VISA}.", CARD),
        (f"卡号{VISA}，退回", CARD),
        ("4111 1111 1111 1111", CARD),
        ("4111-1111-1111-1111", CARD),
        ("4111.1111.1111.1111", CARD),
        ("３７８２８２２４６３１０００５", CARD),
        ("3782 822463 10005", CARD),
        ("6222 0212 3456 7890 128", CARD),
        (ID, ID_CARD),
        (f"身份证{ID.lower()}", ID_CARD),
        ("110105 19491231 002X", ID_CARD),
        ("110105194912310021", ""),
        ("4111111111111112", ""),
        ("returned on 2026-03-02 at 13:00:00, 3 times", ""),
        ("2026-03-02T01:30:00.123456Z", ""),
        ("411111111111", ""),
        ("41111111111111111111", ""),
        ("0c5d7f0a-4111-1111-1111-111111111111", ""),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""),
        ("call +8613800138000 or 021-55550100", ""),
        ("", ""),
    ],
)
def test_what_a_text_holds(text, held):
    assert number_in(text) == held


@pytest.mark.parametrize(
    "number", [VISA, UNIONPAY, AMEX, "5555555555554444", "9558820200012345678"]
)
def test_a_card_of_a_scheme_is_no_id_either(number):
    number = number if luhn(number) else next(
        n for d in range(10) if luhn(n := number[:-1] + str(d))
    )  # fmt: skip
    assert number_in(number, identifier=True) == CARD
    assert refused_fact(reversed_because("x", account=number)) == ("data.account_id", CARD)


def test_a_long_number_that_is_no_card_may_be_an_id():
    """A bank's own 18 digits pass Luhn every tenth time; what begins as no card scheme does is an id."""
    numbers = [str(n) for n in range(1_780_000_000_000_000_000, 1_780_000_000_000_000_100)]
    assert any(map(luhn, numbers))
    assert [n for n in numbers if number_in(n, identifier=True)] == []
    assert refused_fact(reversed_because("returned", payment=next(filter(luhn, numbers)))) == (
        "",
        "",
    )


def test_the_field_is_named_and_not_its_value():
    assert refused_fact(reversed_because(f"card {VISA}")) == ("data.reason", CARD)
    assert refused_fact(reversed_because("none"), [("id", "E1"), ("source", VISA)]) == (
        "source",
        CARD,
    )
    nested = {"instalments": [{"note": "ok"}, {"note": ID}]}
    assert refused_field(canonical(nested)) == ("data.instalments[1].note", ID_CARD)


def test_amounts_are_no_texts():
    paid = PaymentReceived(
        customer_id="C1", payment_id="P1", account_id="A1", amount_minor=411111111111111,
        currency="CNY", value_on=START.date(),
    )  # fmt: skip
    assert luhn("4111111111111111")
    assert refused_field(b'{"amount_minor":4111111111111111}') == ("", "")
    assert refused_fact(paid) == ("", "")


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("mobile", "+8613800138000", ""),
        ("mobile", "00 86 138 0013 8000", ""),
        ("mobile", VISA, CARD),
        ("landline", "021-55550100", ""),
        ("wechat", VISA, CARD),
        ("postal", f"上海市1号 {ID}", ID_CARD),
        ("postal", "200040 上海市静安区南京西路1号", ""),
        ("email", f"{VISA}@example.com", CARD),
    ],
)
def test_a_contact_value_is_judged_by_its_kind(kind, value, held):
    assert refused_value(kind, value) == held


@given(st.integers(10**12, 10**15 - 1).map(str))
def test_no_telephone_number_is_taken_for_a_card(number):
    assert refused_value("mobile", f"+{number}") == ""


@given(st.from_regex(r"[1-9][0-9]{12,18}", fullmatch=True), st.sampled_from(["", "a ", "号"]))
def test_every_luhn_valid_number_of_13_to_19_digits_is_found(number, before):
    assert (number_in(f"{before}{number} ok") != "") == luhn(number) or number_in(number) == ID_CARD


def test_a_line_with_a_card_number_is_refused_by_its_field():
    good = write_line(fact(reversed_because("returned")))
    assert read_line(good).data.reason == "returned"
    with pytest.raises(LineError) as caught:
        read_line(write_line(fact(reversed_because(f"card {VISA}"))))
    assert (caught.value.reason, caught.value.field) == ("personal_id", "data.reason")
    assert VISA not in str(caught.value)
    customer = CustomerUpdated(
        customer_id="C1", language="zh", time_zones=("Asia/Shanghai",), region="SH",
        jurisdiction=Jurisdiction(country="CN"),
        contact_points=(ContactPoint(point_id="p", kind="postal", value=f"x {ID}", party="debtor"),),
    )  # fmt: skip
    with pytest.raises(LineError, match=r"contact_points\.value"):
        read_line(write_line(fact(customer, datetime(2026, 3, 1, tzinfo=UTC))))
