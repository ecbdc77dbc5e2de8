"""The settings of the connections to Kafka and PostgreSQL, and settings that come from files (Docker's and Kubernetes' secrets)."""

import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

from shared.database_url import DatabaseTls, complete, tls_mode
from shared.messaging.broker import Broker, Mechanism, Security

PREFIX = "ARREARS_"
SUFFIX = "_FILE"


class FromFiles(PydanticBaseSettingsSource):
    """ARREARS_<NAME>_FILE names a file that holds the value of ARREARS_<NAME>; a line end at its end does not count."""

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}"
        path = os.environ.get(variable + SUFFIX)
        if not path:
            return None, field_name, False
        if os.environ.get(variable):
            raise SettingsError(f"{variable} and {variable}{SUFFIX} are both set: keep one")
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}{SUFFIX} cannot be read: {error}") from None

    @override
    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self._fields()}
        return {name: value for name, value in found.items() if value is not None}

    def _fields(self) -> list[tuple[str, FieldInfo]]:
        return list(self.settings_cls.model_fields.items())


class ConnectionSettings(BaseSettings):
    """
    Where Kafka and PostgreSQL are, how the way to them is secured, and who we are there.

    `kafka` is host:port, several with commas. `..._ca`, `..._cert` and `..._key` are paths of PEM files.
    After validation `database_url` carries everything: TLS as libpq's sslmode, sslrootcert, sslcert and
    sslkey, and the password that was given apart.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    kafka: str = ""
    kafka_security: Security = "PLAINTEXT"
    kafka_ca: str = ""
    kafka_cert: str = ""
    kafka_key: str = ""
    kafka_sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    database_url: Annotated[str, Field(repr=False)] = ""
    database_password: SecretStr = SecretStr("")
    database_tls: DatabaseTls | None = None
    database_ca: str = ""
    database_cert: str = ""
    database_key: str = ""

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files that it names."""
        return init_settings, env_settings, FromFiles(settings_cls)

    @model_validator(mode="after")
    def _connections_fit(self) -> Self:
        if problem := self.broker().problem():
            raise ValueError(problem)
        if self.database_url:
            self.database_url = complete(
                self.database_url,
                tls=self.database_tls,
                ca=self.database_ca,
                cert=self.database_cert,
                key=self.database_key,
                password=self.database_password.get_secret_value(),
            )
        return self

    def broker(self) -> Broker:
        """Answer how Kafka is reached, for whatever makes a client."""
        return Broker(
            bootstrap=self.kafka,
            security=self.kafka_security,
            ca=self.kafka_ca,
            cert=self.kafka_cert,
            key=self.kafka_key,
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_sasl_username,
            password=self.kafka_sasl_password,
        )

    def database_is_encrypted(self) -> bool:
        """Whether no connection to the database can be in plain text."""
        return tls_mode(self.database_url) in {"require", "verify-full"}
