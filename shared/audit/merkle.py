"""Merkle tree hashes as RFC 6962, section 2.1 defines them (RFC 9162 keeps them): one hash stands for a list of leaves. Pure.

A leaf is hashed behind the byte 00 and a node behind 01, so that no node can pass for a leaf. Leaves are taken one by
one, and what is kept between them grows with the logarithm of their number.
"""

from collections.abc import Iterable
from hashlib import sha256

_LEAF = b"\x00"
_NODE = b"\x01"


def merkle_root(leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """Answer how many leaves there are, and the hash of their tree (32 bytes; of no leaves: SHA-256 of nothing)."""
    # Complete subtrees from left to right, each smaller than the one before: the ones in the number of leaves.
    trees: list[tuple[int, bytes]] = []
    count = 0
    for leaf in leaves:
        count += 1
        size, found = 1, sha256(_LEAF + leaf).digest()
        while trees and trees[-1][0] == size:
            size, found = 2 * size, sha256(_NODE + trees.pop()[1] + found).digest()
        trees.append((size, found))
    if not trees:
        return 0, sha256(b"").digest()
    _, root = trees.pop()
    while trees:
        root = sha256(_NODE + trees.pop()[1] + root).digest()
    return count, root
