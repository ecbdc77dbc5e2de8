"""The Merkle tree hash: as RFC 6962 defines it, and different for every other list of leaves."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from shared.audit.merkle import merkle_root

LEAVES = st.lists(st.binary(max_size=8), max_size=40)


def defined(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    n = len(leaves)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < n:
        k *= 2
    return sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def test_known_answers_of_the_certificate_transparency_tests():
    """From certificate-transparency's merkle_tree_test: the root of its eight test leaves, and of none."""
    leaves = [
        bytes.fromhex(text)
        for text in (
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        )
    ]  # fmt: skip
    count, root = merkle_root(leaves)
    assert count == 8
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle_root([])[1].hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@given(LEAVES)
def test_it_is_the_hash_that_the_rfc_defines(leaves):
    assert merkle_root(iter(leaves)) == (len(leaves), defined(leaves))


@given(LEAVES.filter(bool), st.data())
def test_any_other_list_has_another_root(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.binary(max_size=8).filter(lambda leaf: leaf != leaves[place]))
    _, root = merkle_root(leaves)
    assert merkle_root([*leaves[:place], other, *leaves[place + 1 :]])[1] != root
    assert merkle_root([*leaves[:place], *leaves[place + 1 :]])[1] != root
    assert merkle_root([*leaves[:place], other, *leaves[place:]])[1] != root
    swapped = [*leaves[:place], *reversed(leaves[place:])]
    assert (merkle_root(swapped)[1] == root) == (swapped == leaves)


@given(LEAVES.filter(lambda leaves: len(leaves) > 1))
def test_a_node_never_passes_for_a_leaf(leaves):
    """Without the prefixes, a list of two hashes would have the root of the list below it."""
    halves = [defined(leaves[:1]), defined(leaves[1:])]
    assert merkle_root([b"".join(halves)])[1] != merkle_root(halves)[1]
