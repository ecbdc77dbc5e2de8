"""`arrears token`: what it prints is let in, and what is wrong is said."""

import asyncio
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.clock import SteppedClock, SystemClock
from shared.development_tokens import AUDIENCE, ISSUER, new_key, public_half, read_key
from shared.http.access_keys import FixedKeys
from shared.http.access_tokens import Issuer, TokenRefused, Verifier

KEY = new_key()


def token(*arguments: str, key: str = KEY):
    return CliRunner().invoke(app, ["token", *arguments], env={"ARREARS_DEV_KEY": key})


def verify(signed: str, *, later: timedelta = timedelta()):
    key = read_key(public_half(KEY))
    issuer = Issuer(ISSUER, AUDIENCE, FixedKeys({key.kid or "": key}))
    clock = SteppedClock(SystemClock().now() + later)
    return asyncio.run(Verifier([issuer], clock).verify(signed))


def test_the_token_says_who_calls_and_what_they_see():
    said = ["--role", "agent", "--role", "legal", "--region", "SH", "--portfolio", "BANK"]
    ran = token(*said, "--subject", "agent-17", "--hours", "8")
    caller = verify(ran.stdout.strip())
    assert caller.subject == "agent-17"
    assert caller.roles == {"agent", "legal"}
    assert "contacts:export" in caller.scopes
    assert (caller.regions, caller.portfolios) == ({"SH"}, {"BANK"})
    verify(ran.stdout.strip(), later=timedelta(hours=7.9))
    with pytest.raises(TokenRefused, match="expired"):
        verify(ran.stdout.strip(), later=timedelta(hours=8.1))


def test_what_is_wrong_is_said():
    for arguments, said in (
        (["--role", "king"], "there is no role 'king'; there are core_banking"),
        (["--role", "agent", "--hours", "10000"], "at most 400 days"),
        (["--role", "agent", "--hours", "-1"], "at most 400 days"),
    ):
        ran = token(*arguments)
        assert ran.exit_code == 2
        assert said in ran.stderr
    ran = token("--role", "agent", key=public_half(KEY))
    assert "signing needs the private one" in ran.stderr
    assert "no JWK" in token("--role", "agent", key="{}").stderr


def test_without_a_key_it_says_where_one_comes_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = token("--role", "agent", key="")
    assert ran.exit_code == 2
    assert "start `arrears up` in this folder" in ran.stderr
