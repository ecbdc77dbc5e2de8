"""The vault: contact values, encrypted under a key per customer and bound to their row; everything else holds point ids only."""

from shared.vault.customers import open_for, seal_for
from shared.vault.keys import KEY_BYTES, Forgotten, Keys, SealBroken
from shared.vault.points import Deposit, VaultReader, VaultWriter

__all__ = [
    "KEY_BYTES",
    "Deposit",
    "Forgotten",
    "Keys",
    "SealBroken",
    "VaultReader",
    "VaultWriter",
    "open_for",
    "seal_for",
]
