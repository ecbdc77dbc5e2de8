"""The settings of a process, from the environment (ARREARS_...); what is wrong or missing is named."""

from dataclasses import replace
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.audit.signing import Signer, known_keys, signer_from
from shared.connections import ConnectionSettings
from shared.messaging.fuses import CAPS, OFF, Limits
from shared.privacy.envelope import Envelope
from shared.production import allowed, refusals
from shared.vault import Keys

DEFAULT_PARTITIONS = 12
"""Partitions of every topic; fixed for the life of an installation."""
Rate = Annotated[float, Field(gt=0, le=1_000_000)]
"""Requests per second."""
ContactMode = Literal["observe", "sandbox", "live"]


class Settings(ConnectionSettings):
    """
    What a service needs to know of where it runs; each may come from a file, named by ARREARS_<NAME>_FILE.

    `contact`: observe decides and records but lets no effect leave; sandbox and live hand effects to
    `provider_url`. Production must say which. `stepped`: time is set from outside, over `step_port`
    (demo and tests only). `vault_key` is base64 of 32 bytes, `vault_old_keys` more of them with commas
    between, which still open; `vault_hash_key` never changes (docs/operations/privacy.md);
    `envelope_keys` open what publishers sealed. `batch` caps the records of one transaction. `fuse_caps`,
    `fuse_factor` and `fuse_floor` bound what leaves in an hour, by channel (shared/messaging/fuses.py).
    `strategy`: the scheduler's file, `packs`: the rule packs, a file or a folder ("": those that ship).
    `calendars`: the folder of days of rest as they were announced ("": the one that ships; docs/operations/packs.md).
    `content`: the folder of the register of texts ("": the one that ships; docs/operations/content.md).
    `dev_key` is the public JWK of development tokens; `open_metrics` lets anybody read /health and /metrics.
    `oidc_*` and `*_claim`: whose tokens count, and where they say roles and reach (docs/operations/access.md).
    `rate_*` bound how often one caller asks, `request_seconds` and `most_requests` what is under way.
    `audit_key` (base64 of 32 bytes) signs the audit trail's daily roots; `audit_public_keys` are keys that signed
    before (docs/operations/audit-trail.md).
    `allow` names what production may start with all the same (shared/production.py).
    `silence_hours`: after so many hours of working days (of `business_country`, in `business_zone`) without a
    core-banking event nothing is claimed any more; 0: never. `outbox_seconds`: how long the oldest row of the
    outbox may wait before the service counts as not ready.
    """

    model_config = SettingsConfigDict(env_prefix="ARREARS_", extra="ignore", secrets_dir=None)

    mode: Literal["development", "production"] = "development"
    contact: ContactMode | None = None
    vault_key: SecretStr = SecretStr("")
    vault_old_keys: SecretStr = SecretStr("")
    vault_hash_key: SecretStr = SecretStr("")
    envelope_keys: SecretStr = SecretStr("")
    partitions: Annotated[int, Field(ge=1, le=1000)] = DEFAULT_PARTITIONS
    provider_url: str = ""
    provider_name: str = "sandbox"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    batch: Annotated[int, Field(ge=1, le=5000)] = 500
    pool_size: Annotated[int, Field(ge=2, le=100)] = 8
    stepped: bool = False
    step_port: Annotated[int, Field(ge=0, le=65535)] = 0
    strategy: str = ""
    packs: str = ""
    calendars: str = ""
    content: str = ""
    fuse_caps: dict[str, Annotated[int, Field(ge=0)]] = {}
    fuse_factor: Annotated[float, Field(ge=0)] = 3.0
    fuse_floor: Annotated[int, Field(ge=0)] = 500
    dev_key: SecretStr = SecretStr("")
    open_metrics: bool = False
    oidc_issuer: str = ""
    oidc_audience: str = "arrears"
    oidc_jwks_url: str = ""
    roles_claim: str = "roles"
    regions_claim: str = "regions"
    portfolios_claim: str = "portfolios"
    allow: str = ""
    rate_read: Rate = 100.0
    rate_write: Rate = 50.0
    rate_report: Rate = 5000.0
    rate_refused: Rate = 50.0
    request_seconds: Annotated[float, Field(gt=0, le=600)] = 15.0
    most_requests: Annotated[int, Field(ge=1, le=100_000)] = 500
    silence_hours: Annotated[float, Field(ge=0)] = 24
    business_zone: str = "Asia/Shanghai"
    business_country: str = "CN"
    outbox_seconds: Annotated[float, Field(gt=0)] = 60
    audit_key: SecretStr = SecretStr("")
    audit_public_keys: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what no process should start with; the messages name the variable and the mend."""
        if self.mode == "production":
            if self.contact is None:
                raise ValueError(
                    "ARREARS_CONTACT must be set in production: observe, sandbox or live"
                )
            if self.stepped:
                raise ValueError("ARREARS_STEPPED is for demo and tests; production has one clock")
            if refused := refusals(self):
                raise ValueError("\n  ".join(["production refuses to start:", *refused]))
        try:
            ZoneInfo(self.business_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError("ARREARS_BUSINESS_ZONE must be a name like Asia/Shanghai") from None
        if self.vault_key.get_secret_value():
            try:
                self.keys()
            except ValueError as error:
                raise ValueError(f"ARREARS_VAULT_KEY: {error}") from None
        if self.audit_key.get_secret_value():
            try:
                known_keys(self.signer().public, self.audit_public_keys)
            except ValueError as error:
                raise ValueError(f"ARREARS_AUDIT_KEY or _PUBLIC_KEYS: {error}") from None
        return self

    @property
    def contact_mode(self) -> ContactMode:
        """How effects leave; sandbox where development says nothing."""
        return self.contact or "sandbox"

    def signer(self) -> Signer:
        """Answer what signs the daily roots; raises ValueError when there is no key to make it of."""
        return signer_from(self.audit_key.get_secret_value(), self.vault_key.get_secret_value())

    def limits(self) -> Limits:
        """Answer what the fuses go by; in stepped time only caps that are set by hand (fuses.OFF says why)."""
        if self.stepped:
            return replace(OFF, caps=self.fuse_caps)
        return Limits({**CAPS, **self.fuse_caps}, self.fuse_factor, self.fuse_floor)

    def keys(self) -> Keys:
        """Answer what is derived from the vault's key; raises ValueError when it is missing or malformed."""
        text = self.vault_key.get_secret_value()
        if not text:
            raise ValueError("set ARREARS_VAULT_KEY to base64 of 32 random bytes")
        others = [key for key in self.vault_old_keys.get_secret_value().split(",") if key.strip()]
        hash_key = self.vault_hash_key.get_secret_value()
        if others and not hash_key:
            raise ValueError(
                "with ARREARS_VAULT_OLD_KEYS set ARREARS_VAULT_HASH_KEY too, to what `arrears vault hash-key` "
                "printed before the first rotation: repeats are told by hashes under it"
            )
        return Keys.from_base64(text, (key.strip() for key in others), hash_key, self.envelope())

    def envelope(self) -> Envelope:
        """Answer what seals and opens the values of `customer.updated`; raises ValueError for malformed keys."""
        required = self.mode == "production" and "plain-values" not in allowed(self.allow)
        return Envelope.from_text(self.envelope_keys.get_secret_value(), required=required)
