"""RELIABILITY B.2, 22: whatever is wrong with a token, the answer is 401, and the log says why without the token."""

import base64
import json
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, OctKey
from structlog.testing import capture_logs

from shared.clock import SteppedClock
from tests.http.issuing import ANY, ISSUER, KEYS, NOW, BanksIssuer, claims, guarded, signed

SECOND = int(NOW.timestamp())
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})
WEAK = {"kid": "weak", "kty": "RSA"}


def segments(header, content) -> str:
    parts = (json.dumps(header).encode(), json.dumps(content).encode())
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def confused() -> str:
    """Signed by HMAC, with the public RSA key as its secret."""
    pem = KEYS["rsa"][1].as_pem(private=False)
    return signed(claims(), "rsa", OctKey.import_key(pem.hex()), alg="HS256")


def tampered() -> str:
    header, _, signature = signed(claims()).split(".")
    other = segments({}, claims(roles=["admin"])).partition(".")[2]
    return f"{header}.{other}.{signature}"


def twice(name: str) -> bytes:
    """The claims with a member that stands there twice: what was checked must be what counts."""
    return json.dumps(claims()).encode()[:-1] + f', "{name}": "x"}}'.encode()


REFUSED = {
    "none": (None, "missing"),
    "empty": ("Bearer ", "malformed"),
    "another scheme": ("Basic YTpi", "malformed"),
    "no JWT": ("Bearer abc", "malformed"),
    "four parts": ("Bearer a.b.c.d", "malformed"),
    "not base64": ("Bearer !!.??.==", "malformed"),
    "not JSON": ("Bearer YQ.YQ.YQ", "malformed"),
    "deep JSON": (f"Bearer {base64.urlsafe_b64encode(b'[' * 4000).decode()}.e30.YQ", "malformed"),
    "claims are a list": (signed([1]), "malformed"),
    "outside ASCII": ("Bearer \xe9.\xe9.\xe9", "malformed"),
    "huge": (signed(claims(padding="x" * 8200)), "too_large"),
    "expired": (signed(claims(exp=SECOND - 60)), "expired"),
    "expired long ago": (signed(claims(exp=0)), "expired"),
    "nbf in the future": (signed(claims(nbf=SECOND + 61)), "not_yet_valid"),
    "iat in the future": (signed(claims(iat=SECOND + 61)), "issued_in_future"),
    "no exp": (signed(claims(exp=None)), "no_exp"),
    "no iat": (signed(claims(iat=None)), "no_iat"),
    "exp is text": (signed(claims(exp="tomorrow")), "no_exp"),
    "exp is true": (signed(claims(exp=True)), "no_exp"),
    "nbf is a list": (signed(claims(nbf=[1])), "no_nbf"),
    "another issuer": (signed(claims(iss="https://evil.example")), "issuer"),
    "issuer with a slash": (signed(claims(iss=f"{ISSUER}/")), "issuer"),
    "no issuer": (signed(claims(iss=None)), "issuer"),
    "issuer is a list": (signed(claims(iss=[ISSUER])), "issuer"),
    "another audience": (signed(claims(aud="shop")), "audience"),
    "no audience": (signed(claims(aud=None)), "audience"),
    "audience within a word": (signed(claims(aud="arrears-test")), "audience"),
    "unknown key": (signed(claims(), "lost"), "unknown_key"),
    "no kid": (signed(claims(), kid=""), "unknown_key"),
    "alg none": (f"{segments({'alg': 'none', 'kid': 'ec'}, claims())}.", "algorithm"),
    "alg None": (f"{segments({'alg': 'None', 'kid': 'ec'}, claims())}.", "algorithm"),
    "no alg": (f"{segments({'kid': 'ec'}, claims())}.YQ", "algorithm"),
    "HMAC with the public key": (confused(), "algorithm"),
    "another algorithm of the family": (signed(claims(), "rsa", alg="PS256"), "algorithm"),
    "RS256 with the EC key's id": (
        signed(claims(), "ec", KEYS["rsa"][1], alg="RS256"),
        "algorithm",
    ),
    "somebody else's key": (signed(claims(), "ec", STRANGER), "signature"),
    "key in the header": (
        signed(claims(), "ec", STRANGER, jwk=STRANGER.as_dict(private=False)),
        "signature",
    ),
    "changed after signing": (tampered(), "signature"),
    "no signature": (f"{signed(claims()).rpartition('.')[0]}.", "signature"),
    "critical header": (
        f"{segments({'alg': 'ES256', 'kid': 'ec', 'crit': ['exp']}, claims())}.YQ",
        "critical_header",
    ),
    "no subject": (signed(claims(sub=None)), "no_subject"),
    "empty subject": (signed(claims(sub="")), "no_subject"),
    "subject with a line break": (signed(claims(sub="a\nb")), "no_subject"),
    "subject is a number": (signed(claims(sub=7)), "no_subject"),
    "a claim that stands twice": (signed(twice("exp")), "no_exp"),
    "roles are a number": (signed(claims(roles=7)), "claims"),
    "regions of numbers": (signed(claims(regions=[1])), "claims"),
    "regions are an object": (signed(claims(regions={"SH": True})), "claims"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_b2_22_authentication_matrix(name):
    """B.2, 22: 401 as a problem with a challenge; one line in the log, with the reason and nothing of the token."""
    given, reason = REFUSED[name]
    value = given if given is None or " " in given else f"Bearer {given}"
    async with guarded(BanksIssuer(), SteppedClock(NOW)) as client:
        with capture_logs() as lines:
            answer = await client.get(
                "/whoami",
                headers={} if value is None else [(b"authorization", value.encode("latin-1"))],
            )
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="arrears"')
    assert ('error="invalid_token"' in challenge) == (reason != "missing")
    assert [(line["event"], line["reason"]) for line in lines] == [("token_refused", reason)]
    for part in (value or "").partition(" ")[2].split("."):
        assert len(part) < 3 or part not in f"{lines}{answer.text}{answer.headers}"
    assert "person-7" not in f"{lines}{answer.text}"


@pytest.mark.parametrize("kid", KEYS)
async def test_b2_22_a_good_token_of_every_algorithm_is_let_in(kid):
    """B.2, 22, the other half: the matrix proves nothing if everybody is refused."""
    async with guarded(BanksIssuer(), SteppedClock(NOW)) as client:
        answer = await client.get(
            "/whoami", headers={"authorization": f"Bearer {signed(claims(), kid)}"}
        )
    assert answer.json() == {"subject": "person-7", "roles": ["agent"], "regions": ["SH"]}


async def test_b2_22_eddsa_under_its_older_name(recwarn):
    """B.2, 22: issuers say EdDSA; it is Ed25519, and it warns nobody."""
    async with guarded(BanksIssuer(), SteppedClock(NOW)) as client:
        token = signed(claims(), "ed", alg="Ed25519")
        header = segments({"alg": "EdDSA", "kid": "ed"}, claims()).partition(".")[0]
        body = token.split(".")[1]
        model = ANY.get_alg("Ed25519")
        signature = model.sign(f"{header}.{body}".encode(), KEYS["ed"][1])
        encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        answer = await client.get(
            "/whoami", headers={"authorization": f"Bearer {header}.{body}.{encoded}"}
        )
    assert answer.status_code == 200
    assert not recwarn.list


async def test_b2_22_sixty_seconds_of_skew_both_ways():
    """B.2, 22: 60 s early and 59 s late are let in, a second more is not (the matrix)."""
    for changes in (
        {"exp": SECOND - 59},
        {"nbf": SECOND + 60},
        {"iat": SECOND + 60},
        {"nbf": None},
    ):
        async with guarded(BanksIssuer(), SteppedClock(NOW)) as client:
            token = signed(claims(**changes))
            answer = await client.get("/whoami", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, changes


async def test_b2_22_a_key_that_the_issuer_took_out_is_refused():
    """B.2, 22: revoked by the JWKS; at the latest ten minutes after, and at once when another key is asked for."""
    issuer, clock = BanksIssuer(), SteppedClock(NOW)
    headers = {"authorization": f"Bearer {signed(claims(exp=SECOND + 7200))}"}
    async with guarded(issuer, clock) as client:
        assert (await client.get("/whoami", headers=headers)).status_code == 200
        issuer.listed = [key for key in issuer.listed if key["kid"] != "ec"]
        clock.set(NOW + timedelta(minutes=10, seconds=1))
        assert (await client.get("/whoami", headers=headers)).status_code == 401
    assert issuer.asked == 2
