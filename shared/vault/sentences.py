"""Free text to one customer: sealed under the customer's key where it is written, opened where it leaves.

In between it travels as text that nobody can read: through commands, events, states and effects, and nobody can
any more once the customer is forgotten. Sealing is deterministic, because a command that is sent again must have the same bytes.
"""

import base64
import binascii
import hmac
from hashlib import sha512

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.vault.customers import data_keys
from shared.vault.keys import DataKey, Keys, SealBroken

MARK = "txt:1:"


async def seal_sentence(
    tx: AsyncConnection, keys: Keys, customer_id: str, about: str, said: str
) -> str | None:
    """Answer *said* sealed for the customer and for *about* (the id of the message); None: the customer was forgotten.

    Raises SealBroken for a customer's key that cannot be read.
    """
    found = await data_keys(tx, keys, [customer_id])
    if customer_id not in found:
        return None
    sealed = _cipher(found[customer_id]).encrypt(said.encode(), _bound(customer_id, about))
    return MARK + base64.urlsafe_b64encode(sealed).decode()


def open_sentence(key: DataKey, customer_id: str, about: str, sealed: str) -> str:
    """Answer what seal_sentence() sealed for the same customer and message; raises SealBroken."""
    try:
        raw = base64.urlsafe_b64decode(sealed.removeprefix(MARK))
        return _cipher(key).decrypt(raw, _bound(customer_id, about)).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise SealBroken(f"the text of message {about!r} cannot be opened") from error


def _cipher(key: DataKey) -> AESSIV:
    return AESSIV(hmac.digest(key.raw, b"arrears sentence siv", sha512))


def _bound(customer_id: str, about: str) -> list[bytes]:
    return [b"sentence", customer_id.encode(), about.encode()]
