"""Secrets from files, as Docker and Kubernetes hand them over."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsError

from shared.settings import Settings


def test_a_file_holds_the_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    monkeypatch.setenv("ARREARS_DATABASE_URL", "postgresql+asyncpg://a@b/c")
    monkeypatch.setenv("ARREARS_DATABASE_PASSWORD_FILE", str(secret))
    assert Settings().database_password.get_secret_value() == "s3cret"
    assert Settings().database_url == "postgresql+asyncpg://a:s3cret@b/c"


def test_value_and_file_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secret = tmp_path / "key"
    secret.write_text("x")
    monkeypatch.setenv("ARREARS_VAULT_KEY", "y")
    monkeypatch.setenv("ARREARS_VAULT_KEY_FILE", str(secret))
    with pytest.raises(SettingsError, match="ARREARS_VAULT_KEY_FILE are both set"):
        Settings()


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARREARS_KAFKA_SASL_PASSWORD_FILE", "/nowhere/password")
    with pytest.raises(SettingsError, match="ARREARS_KAFKA_SASL_PASSWORD_FILE cannot be read"):
        Settings()
