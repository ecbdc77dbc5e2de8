"""A broker as a bank runs it: one listener with TLS and a password, one with TLS and client certificates."""

import secrets
from pathlib import Path

from shared.local.kafka import EmbeddedKafka, Secured
from tests.elsewhere.authority import Authority

USER = "arrears"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_{0}="{1}";'


class SecuredBroker:
    """The broker with its authority and the password of the user `arrears`."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        self.stranger = Authority(folder / "stranger", "An authority that nobody trusts")
        self.client = self.authority.sign("arrears")
        self.password = secrets.token_hex(12)
        self.server = EmbeddedKafka(folder / "kafka", secured=self._secured())

    @property
    def password_listener(self) -> str:
        """host:port of SASL_SSL."""
        return self.server.secured_bootstrap("USERS")

    @property
    def certificate_listener(self) -> str:
        """host:port of SSL that asks for a client's certificate."""
        return self.server.secured_bootstrap("MACHINES")

    def environment(self, **changes: str) -> dict[str, str]:
        """What a process needs to come in with the password."""
        return {
            "ARREARS_KAFKA": self.password_listener,
            "ARREARS_KAFKA_SECURITY": "SASL_SSL",
            "ARREARS_KAFKA_CA": str(self.authority.ca),
            "ARREARS_KAFKA_SASL_USERNAME": USER,
            "ARREARS_KAFKA_SASL_PASSWORD": self.password,
            **changes,
        }

    def _secured(self) -> Secured:
        server = self.authority.sign("localhost")
        users = "listener.name.users"
        return Secured(
            protocols={"USERS": "SASL_SSL", "MACHINES": "SSL"},
            settings={
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(server.both),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(self.authority.ca),
                "listener.name.machines.ssl.client.auth": "required",
                f"{users}.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
                f"{users}.scram-sha-256.sasl.jaas.config": SCRAM,
                f"{users}.scram-sha-512.sasl.jaas.config": SCRAM,
                f"{users}.plain.sasl.jaas.config": PLAIN.format(USER, self.password),
            },
            scram=[
                f"{mechanism}=[name={USER},iterations=4096,password={self.password}]"
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            ],
        )
