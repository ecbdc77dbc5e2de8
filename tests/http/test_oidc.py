"""The keys of an issuer: found, kept while it is away, fetched again for new ones, and never hammered."""

from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs

from shared.clock import SteppedClock
from shared.http.access_tokens import KeysUnavailable
from tests.http.issuing import NOW, BanksIssuer, claims, guarded, signed


async def test_a_new_key_is_fetched_when_it_is_first_used():
    issuer, clock = BanksIssuer(), SteppedClock(NOW)
    keys = issuer.keys(clock)
    assert await keys.find("ec")
    fresh = ECKey.generate_key("P-256", {"kid": "fresh"})
    issuer.listed.append(fresh.as_dict(private=False))
    clock.set(NOW + timedelta(seconds=11))
    assert await keys.find("fresh")
    assert issuer.asked == 2


async def test_made_up_key_ids_do_not_hammer_the_issuer():
    issuer, clock = BanksIssuer(), SteppedClock(NOW)
    keys = issuer.keys(clock)
    for number in range(100):
        assert await keys.find(f"made-up-{number}") is None
    assert issuer.asked == 1


async def test_the_last_keys_count_for_a_day_while_the_issuer_is_away():
    issuer, clock = BanksIssuer(), SteppedClock(NOW)
    keys = issuer.keys(clock)
    assert await keys.find("ec")
    issuer.down = True
    clock.set(NOW + timedelta(hours=24))
    with capture_logs() as lines:
        assert await keys.find("ec")
    assert [line["event"] for line in lines] == ["issuer_keys_not_fetched"]
    clock.set(NOW + timedelta(hours=24, seconds=1))
    with pytest.raises(KeysUnavailable):
        await keys.find("ec")
    issuer.down = False
    clock.set(NOW + timedelta(hours=24, seconds=12))
    assert await keys.find("ec")


async def test_an_issuer_that_was_never_reached_is_a_503():
    issuer = BanksIssuer()
    issuer.down = True
    async with guarded(issuer, SteppedClock(NOW)) as client:
        answer = await client.get(
            "/whoami", headers={"authorization": f"Bearer {signed(claims())}"}
        )
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:arrears:problem:issuer-unavailable"


async def test_keys_that_must_not_verify_are_left_out():
    issuer = BanksIssuer()
    issuer.listed += [
        OctKey.generate_key(256, {"kid": "secret"}).as_dict(private=True),
        ECKey.generate_key("P-384", {"kid": "curve"}).as_dict(private=False),
        ECKey.generate_key("P-256", {"kid": "use", "use": "enc"}).as_dict(private=False),
        RSAKey.generate_key(2048, {"kid": "alg", "alg": "PS256"}).as_dict(private=False),
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": "weak", "n": "x" * 171, "e": "AQAB"},
        {"kty": "EC"},
        "no key at all",
    ]
    keys = issuer.keys(SteppedClock(NOW))
    for kid in ("secret", "curve", "use", "alg", "broken", "weak"):
        assert await keys.find(kid) is None
    assert await keys.find("rsa")


@pytest.mark.parametrize(
    "spoil",
    [
        {"name": "https://other.example"},
        {"jwks_url": "http://issuer.bank.example/keys"},
        {"listed": ["x"] * 101},
        {"listed": [{"pad": "x" * 600_000}]},
        {"listed": None},
    ],
)
async def test_an_answer_that_is_none_brings_no_keys(spoil):
    issuer = BanksIssuer()
    for name, value in spoil.items():
        setattr(issuer, name, value)
    with pytest.raises(KeysUnavailable):
        await issuer.keys(SteppedClock(NOW)).find("ec")


async def test_roles_may_stand_wherever_the_bank_puts_them():
    nested = claims(roles=None, realm_access={"roles": ["auditor"]})
    named = claims(roles=None, **{"https://bank.example/roles": "auditor"})
    for content, place in ((nested, "realm_access.roles"), (named, "https://bank.example/roles")):
        async with guarded(BanksIssuer(), SteppedClock(NOW), roles=place) as client:
            answer = await client.get(
                "/whoami", headers={"authorization": f"Bearer {signed(content)}"}
            )
        assert answer.json()["roles"] == ["auditor"]
