"""
What production refuses to start with, unless ARREARS_ALLOW names it: a list of checks, one place for all.

To add one, put a Check into CHECKS; its name is what ARREARS_ALLOW takes. docs/operations/access.md lists them.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from shared.compliance.loading import lacks_sign_off
from shared.content.loading import has_examples
from shared.services import STANDARD_PACKS

if TYPE_CHECKING:
    from shared.settings import Settings

_LOOPBACK = frozenset({"", "localhost", "127.0.0.1", "[::1]", "::1"})
_KNOWN_PASSWORDS = frozenset(
    {"admin", "arrears", "changeme", "change-me", "example", "password", "postgres", "secret"}
)
_FEWEST_DISTINCT_BYTES = 12
"""32 random bytes hold at least 20 different ones in practice; a key of "kkkk..." or zeros does not."""


@dataclass(frozen=True, slots=True)
class Check:
    """`broken` tells whether the settings have it; `message` names the variable and the mend."""

    name: str
    broken: Callable[["Settings"], bool]
    message: str


def _plain_http(url: str) -> bool:
    return bool(url) and urlsplit(url).scheme != "https"


def _default_vault_key(settings: "Settings") -> bool:
    try:
        key = base64.b64decode(settings.vault_key.get_secret_value(), validate=True)
    except ValueError:
        return False
    return bool(key) and len(set(key)) < _FEWEST_DISTINCT_BYTES


def _default_password(settings: "Settings") -> bool:
    try:
        url = make_url(settings.database_url) if settings.database_url else None
    except ArgumentError:
        return False
    return url is not None and (url.password or "").lower() in {*_KNOWN_PASSWORDS, url.username}


def _embedded(settings: "Settings") -> bool:
    try:
        database = (make_url(settings.database_url).host or "") if settings.database_url else None
    except ArgumentError:
        database = None
    brokers = [each.strip().rpartition(":")[0] for each in settings.kafka.split(",") if each]
    return database in _LOOPBACK or any(broker in _LOOPBACK for broker in brokers)


CHECKS: tuple[Check, ...] = (
    Check(
        "no-issuer",
        lambda settings: not settings.oidc_issuer,
        "ARREARS_OIDC_ISSUER is missing: set it to the https address of the issuer of your tokens",
    ),
    Check(
        "plaintext-issuer",
        lambda settings: _plain_http(settings.oidc_issuer) or _plain_http(settings.oidc_jwks_url),
        "ARREARS_OIDC_ISSUER and ARREARS_OIDC_JWKS_URL must be https: whoever changes the keys on their way "
        "issues tokens",
    ),
    Check(
        "no-audit-key",
        lambda settings: not settings.audit_key.get_secret_value(),
        "ARREARS_AUDIT_KEY is missing: set it to base64 of 32 random bytes that the database's administrators "
        "do not know; it signs the audit trail",
    ),
    Check(
        "development-tokens",
        lambda settings: bool(settings.dev_key.get_secret_value()),
        "ARREARS_DEV_KEY accepts tokens that `arrears token` signs: remove it",
    ),
    Check(
        "embedded-parts",
        _embedded,
        "ARREARS_KAFKA or ARREARS_DATABASE_URL is on this machine's loopback, where the embedded parts of "
        "development listen: name those of your installation",
    ),
    Check(
        "default-secrets",
        lambda settings: _default_vault_key(settings) or _default_password(settings),
        "ARREARS_VAULT_KEY is no random key, or the password in ARREARS_DATABASE_URL is a well-known one: "
        "make new ones (`openssl rand -base64 32`)",
    ),
    Check(
        "plain-values",
        lambda settings: not settings.envelope_keys.get_secret_value(),
        "ARREARS_ENVELOPE_KEYS is missing: contact values would lie in Kafka in clear (ADR 0014)",
    ),
    Check(
        "plaintext-kafka",
        lambda settings: not settings.broker().encrypted,
        "ARREARS_KAFKA_SECURITY sends everything in plain text: set SSL or SASL_SSL "
        "(docs/operations/secure-connections.md)",
    ),
    Check(
        "plaintext-database",
        lambda settings: not settings.database_is_encrypted(),
        "ARREARS_DATABASE_TLS lets the connection to PostgreSQL be in plain text: set verify-full",
    ),
    Check(
        "plaintext-provider",
        lambda settings: _plain_http(settings.provider_url),
        "ARREARS_PROVIDER_URL must be https: contact values travel over it",
    ),
    Check(
        "example-texts",
        lambda settings: settings.contact == "live" and has_examples(settings.content),
        "ARREARS_CONTENT names a register of texts whose approvals are the examples that ship: have the texts "
        "approved, and name your own register (docs/operations/content.md)",
    ),
    Check(
        "packs-not-signed-off",
        lambda settings: (
            settings.contact == "live" and lacks_sign_off(Path(settings.packs or STANDARD_PACKS))
        ),
        "ARREARS_PACKS holds a rule pack without `production: true`: have a lawyer sign each pack off, and name "
        "the folder of those that apply (docs/operations/packs.md)",
    ),
)


def allowed(text: str) -> frozenset[str]:
    """Read ARREARS_ALLOW, a comma list of names of checks; raises ValueError for a name that is none."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := names - {check.name for check in CHECKS}:
        raise ValueError(
            f"ARREARS_ALLOW names {', '.join(sorted(unknown))}; there are "
            f"{', '.join(check.name for check in CHECKS)}"
        )
    return names


def refusals(settings: "Settings") -> list[str]:
    """Answer what stands against production, each with the name that would allow it."""
    spared = allowed(settings.allow)
    return [
        f"{check.message} (or allow it by name: ARREARS_ALLOW={check.name})"
        for check in CHECKS
        if check.name not in spared and check.broken(settings)
    ]
