"""How Kafka is reached: address, encryption and identity as one value, and from it the options of every client.

Whoever makes a client takes a `Broker`, or host:port alone, which is a broker in plain text.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

from aiokafka.conn import create_conn
from aiokafka.errors import (
    BrokerResponseError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from pydantic import SecretStr

Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
PROBE_SECONDS = 10.0


class BrokerRefused(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """The broker and we do not trust each other; the message names the setting to look at. Waiting does not help."""


@dataclass(frozen=True, slots=True)
class Broker:
    """
    What ARREARS_KAFKA and ARREARS_KAFKA_... say.

    `bootstrap` is host:port, several with commas. `ca`, `cert` and `key` are paths of PEM files: whom we
    trust ("": the authorities of the system), and who we are, where the broker asks for a certificate.
    The broker's name is always compared with its certificate.
    """

    bootstrap: str
    security: Security = "PLAINTEXT"
    ca: str = ""
    cert: str = ""
    key: str = ""
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))

    @property
    def encrypted(self) -> bool:
        """Whether others on the network cannot read along."""
        return self.security.endswith("SSL")

    def problem(self) -> str:
        """Say which setting is missing or does not fit the others; "" when they fit together."""
        sasl, tls = self.security.startswith("SASL"), self.encrypted
        if sasl and not (self.username and self.password.get_secret_value()):
            return (
                f"ARREARS_KAFKA_SECURITY={self.security} needs ARREARS_KAFKA_SASL_USERNAME and "
                "ARREARS_KAFKA_SASL_PASSWORD (or ..._PASSWORD_FILE)"
            )
        if self.username and not sasl:
            return f"ARREARS_KAFKA_SASL_USERNAME is set, but ARREARS_KAFKA_SECURITY={self.security} has no user"
        if (self.ca or self.cert or self.key) and not tls:
            return (
                f"ARREARS_KAFKA_CA, _CERT or _KEY is set, but ARREARS_KAFKA_SECURITY={self.security} "
                "does not encrypt: set SSL or SASL_SSL"
            )
        if bool(self.cert) != bool(self.key):
            return "ARREARS_KAFKA_CERT and ARREARS_KAFKA_KEY belong together: set both or none"
        if tls:
            try:
                self._tls()
            except (OSError, ValueError) as error:
                return f"ARREARS_KAFKA_CA, _CERT or _KEY cannot be read as PEM files: {error}"
        return ""

    def options(self) -> dict[str, Any]:
        """Answer what aiokafka's clients take; raises OSError when a PEM file cannot be read."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security,
        }
        if self.encrypted:
            options["ssl_context"] = self._tls()
        if self.security.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password.get_secret_value(),
            }
        return options

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert:
            # without a password of its own OpenSSL would ask on the terminal, and a service would stand still
            context.load_cert_chain(self.cert, self.key or None, password=_no_password)
        return context


Reach = Broker | str
_made: WeakKeyDictionary[Any, Broker] = WeakKeyDictionary()


def broker_of(reach: Reach) -> Broker:
    """Answer *reach* as a Broker."""
    return reach if isinstance(reach, Broker) else Broker(reach)


def made(client: Any, reach: Reach) -> Any:
    """Remember by which broker value *client* was made, so that a failure of its start can be explained."""
    _made[client] = broker_of(reach)
    return client


async def refusal_of(client: Any) -> BrokerRefused | None:
    """
    Ask each address once more why *client* did not start: aiokafka says only that it did not.

    None when that was no refusal: the broker is away, or answers now.
    """
    broker = _made.get(client)
    if broker is None or broker.security == "PLAINTEXT":
        return None
    for address in broker.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                connection = await create_conn(host, int(port), **_of_connection(broker))
            connection.close()
        except Exception as error:  # noqa: BLE001  what it is tells the next line
            if found := _explained(broker, error):
                return BrokerRefused(f"{found} ({address.strip()} said: {error})")
    return None


def _of_connection(broker: Broker) -> dict[str, Any]:
    options = broker.options()
    del options["bootstrap_servers"]
    return {
        **options,
        "client_id": "arrears-probe",
        "request_timeout_ms": int(PROBE_SECONDS * 1000),
    }


def _explained(broker: Broker, error: Exception) -> str:
    """Name the setting that a failure is about; "" for one of the network."""
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"the broker does not offer ARREARS_KAFKA_SASL_MECHANISM={broker.mechanism}"
    if isinstance(error, SaslAuthenticationFailed | BrokerResponseError | ValueError) and (
        broker.security.startswith("SASL") and not isinstance(error, ssl.SSLError)
    ):
        return "the broker refuses ARREARS_KAFKA_SASL_USERNAME or ARREARS_KAFKA_SASL_PASSWORD"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            "the broker's certificate does not verify against ARREARS_KAFKA_CA "
            "(or bears another name than ARREARS_KAFKA)"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"no TLS with the broker: does its listener speak ARREARS_KAFKA_SECURITY={broker.security}, "
            "and does it ask for ARREARS_KAFKA_CERT?"
        )
    return ""


def _no_password() -> str:
    raise ValueError(
        "the key is encrypted; give one without a password, in a file only we may read"
    )
