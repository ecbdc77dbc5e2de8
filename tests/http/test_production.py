"""Production starts only when nothing of development is left, or each thing is allowed by name."""

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.development_tokens import new_key, public_half
from shared.production import CHECKS
from shared.settings import Settings

PACKS = Path(__file__).parents[2] / "deploy" / "packs"
GOOD = {
    "mode": "production",
    "contact": "live",
    "kafka": "kafka-1.bank.example:9093,kafka-2.bank.example:9093",
    "database_url": "postgresql+asyncpg://arrears:Zq8wLr2mT5@db.bank.example/arrears",
    "vault_key": base64.b64encode(bytes(range(32))).decode(),
    "provider_url": "https://sms.bank.example",
    "oidc_issuer": "https://login.bank.example",
    "packs": str(PACKS / "firm-standard.yaml"),
}
BROKEN = {
    "no-issuer": [{"oidc_issuer": ""}],
    "plaintext-issuer": [
        {"oidc_issuer": "http://login.bank.example"},
        {"oidc_jwks_url": "http://login.bank.example/keys"},
    ],
    "development-tokens": [{"dev_key": public_half(new_key())}],
    "embedded-parts": [
        {"kafka": "127.0.0.1:9092"},
        {"kafka": "kafka-1.bank.example:9093,localhost:9092"},
        {"database_url": "postgresql+asyncpg://a:b8w2x@localhost/arrears"},
        {"database_url": "postgresql+asyncpg://a:b8w2x@/arrears?host=/tmp"},
    ],
    "default-secrets": [
        {"vault_key": base64.b64encode(bytes(32)).decode()},
        {"database_url": "postgresql+asyncpg://arrears:arrears@db.bank.example/arrears"},
        {"database_url": "postgresql+asyncpg://arrears:Password@db.bank.example/arrears"},
    ],
    "plaintext-provider": [{"provider_url": "http://sms.bank.example"}],
    "packs-not-signed-off": [{"packs": str(PACKS)}, {"packs": ""}],
}
ELSEWHERES = {check.name for check in CHECKS} - set(BROKEN)


def start(**changes: str) -> Settings:
    """Whatever other checks there are is allowed: their own tests break them."""
    return Settings(**{"allow": ",".join(ELSEWHERES), **GOOD, **changes})


def test_a_proper_installation_starts():
    assert start().mode == "production"


@pytest.mark.parametrize("name", BROKEN)
def test_each_thing_of_development_is_refused_and_can_be_allowed_by_name(name):
    for changes in BROKEN[name]:
        with pytest.raises(ValidationError) as refused:
            start(**changes)
        said = str(refused.value.errors(include_input=False)[0]["msg"])
        assert f"ARREARS_ALLOW={name}" in said
        assert said.count("ARREARS_ALLOW=") == 1
        assert "ARREARS_" in said.partition("ARREARS_ALLOW")[0]
        for value in changes.values():
            assert not value or value not in said
        assert start(**changes, allow=f"{','.join(ELSEWHERES)}, {name}")
        assert start(**changes, mode="development")


def test_everything_at_once_is_told_at_once():
    everything = {name: value for each in BROKEN.values() for name, value in each[0].items()}
    everything |= BROKEN["no-issuer"][0] | BROKEN["plaintext-issuer"][1]
    with pytest.raises(ValidationError) as refused:
        start(**everything)
    assert str(refused.value).count("or allow it by name") == len(BROKEN)


def test_packs_need_no_signature_while_nothing_leaves():
    assert start(packs=str(PACKS), contact="observe").packs


def test_a_name_that_is_no_check_is_refused():
    with pytest.raises(ValidationError, match="plaintext-everything"):
        start(allow="plaintext-everything")
