"""Contact values sealed by the publisher: bound to their place, the same bytes each time, the same replay."""

import base64

import pytest
from msgspec.structs import replace

from shared.border import PointValue, strip_event
from shared.events.core_banking import ContactPoint, CustomerUpdated, Jurisdiction
from shared.events.jsonl import read_line, write_line
from shared.messaging.batch import Sorter
from shared.messaging.decode import Broken
from shared.privacy.envelope import MARK, Envelope, NotOpened, seal_event
from shared.settings import Settings
from shared.testing import START, fact
from shared.vault import Keys
from tests.database.ledger import ledger
from tests.database.support import PARTITIONS, record

ENVELOPE = Envelope({"k1": b"1" * 32})
PHONE, ADDRESS = "+85261234567", "上海市静安区南京西路1号"


def updated(*points):
    return CustomerUpdated(
        customer_id="C1", language="zh-CN", time_zones=("Asia/Shanghai",), region="SH",
        jurisdiction=Jurisdiction(country="CN"), contact_points=points,
    )  # fmt: skip


EVENT = fact(
    updated(
        ContactPoint(point_id="m", kind="mobile", value=PHONE, party="debtor"),
        ContactPoint(point_id="a", kind="postal", value=ADDRESS, party="debtor"),
        ContactPoint(point_id="e", kind="email", party="debtor"),
    )
)


def sort_out(event, envelope, *, keeps_vault=True):
    keys = Keys(b"k" * 32, envelope=envelope)
    sorter = Sorter(ledger(), keys, keeps_vault=keeps_vault, partitions=PARTITIONS)
    (item,) = sorter.sort_out([record(event, 0)], START).sequence
    return item


def test_what_is_sealed_is_opened_where_values_are_stored_and_nowhere_else():
    sealed = seal_event(EVENT, ENVELOPE)
    line = write_line(sealed)
    assert PHONE.encode() not in line
    assert ADDRESS.encode() not in line
    assert seal_event(sealed, ENVELOPE) == sealed
    opened = sort_out(sealed, ENVELOPE)
    assert {value.point_id: value.value for value in opened.values} == {"m": PHONE, "a": ADDRESS}
    elsewhere = sort_out(sealed, Envelope({}), keeps_vault=False)
    assert all(value.value.startswith(MARK) for value in elsewhere.values)
    assert elsewhere.payload_digest == sort_out(sealed, None, keeps_vault=False).payload_digest


def test_sealing_the_same_event_again_gives_the_same_bytes():
    assert write_line(seal_event(EVENT, ENVELOPE)) == write_line(seal_event(EVENT, ENVELOPE))


def test_behind_the_border_the_sealed_event_equals_the_plain_one():
    """The zones of a number are filled in before it is sealed, so that a replay of either gives the same bytes."""
    plain, sealed = (
        strip_event(EVENT)[0],
        strip_event(read_line(write_line(seal_event(EVENT, ENVELOPE))))[0],
    )
    assert (plain.data, plain.id) == (sealed.data, sealed.id)
    assert plain.data.contact_points[0].zones == ("Asia/Hong_Kong",)


@pytest.mark.parametrize("changes", [{"subject": "C2"}, {"point_id": "m2"}, {"kind": "landline"}])
def test_a_value_that_was_moved_does_not_open(changes):
    value = PointValue("m", "mobile", ENVELOPE.seal("C1", PointValue("m", "mobile", PHONE)))
    assert ENVELOPE.open("C1", value).value == PHONE
    moved = PointValue(changes.get("point_id", "m"), changes.get("kind", "mobile"), value.value)
    with pytest.raises(NotOpened, match="another customer's"):
        ENVELOPE.open(changes.get("subject", "C1"), moved)


@pytest.mark.parametrize(
    ("value", "envelope", "said"),
    [
        (PHONE, Envelope({"k1": b"1" * 32}, required=True), "is in clear"),
        (f"{MARK}k9:AAAA", ENVELOPE, "a key that is not in ARREARS_ENVELOPE_KEYS"),
        (f"{MARK}k1:AAAA", ENVELOPE, "cannot be opened"),
        (f"{MARK}k1:no base64!", ENVELOPE, "cannot be opened"),
        (MARK, ENVELOPE, "a key that is not in"),
        (
            ENVELOPE.seal("C1", PointValue("m", "mobile", "x" * 600)),
            ENVELOPE,
            "longer than 512 characters",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_quarantined_without_its_value(value, envelope, said):
    point = ContactPoint(point_id="m", kind="mobile", value=value, party="debtor")
    item = sort_out(replace(EVENT, data=updated(point)), envelope)
    assert isinstance(item, Broken)
    assert (item.reason, item.field) == ("not_sealed", "data.contact_points.value")
    assert said in item.detail
    assert value not in item.error


def test_a_card_number_under_the_seal_is_refused_when_it_is_opened():
    card = PointValue("m", "wechat", "4111111111111111")
    point = ContactPoint(
        point_id="m", kind="wechat", value=ENVELOPE.seal("C1", card), party="debtor"
    )
    item = sort_out(replace(EVENT, data=updated(point)), ENVELOPE)
    assert (item.reason, item.detail) == ("personal_id", "holds a payment card number")


def test_several_keys_open_and_the_first_one_seals():
    both = Envelope({"k2": b"2" * 32, "k1": b"1" * 32})
    old = PointValue("m", "mobile", ENVELOPE.seal("C1", PointValue("m", "mobile", PHONE)))
    assert both.open("C1", old).value == PHONE
    assert both.seal("C1", PointValue("m", "mobile", PHONE)).startswith("enc:1:k2:")
    with pytest.raises(ValueError, match="ARREARS_ENVELOPE_KEYS"):
        Envelope({}).seal("C1", PointValue("m", "mobile", PHONE))


@pytest.mark.parametrize(
    "text", ["k1=short", "k1=AAAA", "AAAA", "k:1=" + base64.b64encode(bytes(32)).decode()]
)
def test_malformed_keys_are_named(text):
    with pytest.raises(ValueError, match="envelope key"):
        Envelope.from_text(text)


def test_development_takes_values_in_clear():
    key = base64.b64encode(bytes(range(32))).decode()
    settings = Settings(vault_key=key, envelope_keys=f"k1={key}")
    assert not settings.keys().envelope.required
    value = PointValue("m", "mobile", PHONE)
    assert settings.envelope().open("C1", value) == value
