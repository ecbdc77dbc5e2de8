"""Logs: one record a line whatever values hold, nothing personal, and what libraries write goes the same way."""

import json
import logging
import sys

import pytest
import structlog

from shared.telemetry import configure_logs
from shared.telemetry.scrub import BLOT, scrub

PERSONAL = [
    "13812345678", "+86 138 1234 5678", "138-1234-5678", "+442071838750", "11010519491231002X",
    "4111 1111 1111 1111", "6222021234567890128", "zhang.san@example.com",
]  # fmt: skip
HARMLESS = [
    "2026-03-02T01:30:00.123456+00:00", "0c5d7f0a-9d3e-5c61-8a53-6b0b6a0e4d11", "core-banking[11]@4294967296",
    "C000042", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "127.0.0.1:54321", "20,000 events in 3.21 s",
    "case_seq 1234567890",
]  # fmt: skip
INJECTIONS = [
    'x\n{"event":"forged","level":"info"}', "a\r\nevent='forged'", "\x1b[2Jcleared", "u2028\u2028forged",
    "nel\x85forged", "nul\x00forged", '"}{"event":"forged"}',
]  # fmt: skip


@pytest.fixture
def written(capsys):
    """What is written to standard error since; the configuration of before comes back afterwards."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("text", PERSONAL)
def test_what_looks_personal_is_blotted_out(text):
    assert scrub(f"asked for {text}, said no") == f"asked for {BLOT}, said no"


@pytest.mark.parametrize("text", HARMLESS)
def test_ids_instants_and_offsets_stay_readable(text):
    assert scrub(text) == text


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("text", INJECTIONS)
def test_b2_27_a_value_never_forges_a_second_record(form, text, written):
    configure_logs(form)
    structlog.get_logger("x").warning("refused", field=text, inside={"deep": [text]})
    logging.getLogger("some.library").warning("said %s", text)
    said = written()
    lines = said.splitlines()  # splits at every kind of line end that a reader may know
    assert len(lines) == 2
    assert all("forged" not in line or "field" in line or "said" in line for line in lines)
    if form == "json":
        assert json.loads(lines[0])["event"] == "refused"
    assert "\x1b" not in said


@pytest.mark.parametrize("form", ["json", "text"])
def test_b2_25_no_personal_value_reaches_a_log_line(form, written):
    configure_logs(form)
    log = structlog.get_logger("x")
    for value in PERSONAL:
        log.warning("refused", value=value, nested={"list": [value]}, other=ValueError(value))
        logging.getLogger("library").error("could not send to %s", value)
        try:
            raise RuntimeError(f"cannot reach {value}")
        except RuntimeError:
            log.exception("failed")
            logging.getLogger("library").exception("failed too")
    said = written()
    assert len(said.splitlines()) == 4 * len(PERSONAL)
    assert not [value for value in PERSONAL if value in said]


def test_the_net_is_not_blind_a_line_written_past_it_is_found(written):
    """The proof of the test above: what does not go through the net stays readable."""
    configure_logs("json")
    sys.stderr.write(f"print({PERSONAL[0]})\n")
    assert PERSONAL[0] in written()


def test_a_traceback_names_places_and_no_local_values(written):
    configure_logs("json")
    secret = "somebody's name"  # noqa: F841  a local that a richer traceback would print
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger("x").exception("failed")
    line = json.loads(written())
    assert "test_a_traceback_names_places" in line["exception"]
    assert "somebody" not in line["exception"].replace('secret = "somebody\'s name"', "")


def test_the_correlation_id_of_a_context_stands_in_each_of_its_lines(written):
    configure_logs("json")
    with structlog.contextvars.bound_contextvars(correlation_id="event-7"):
        structlog.get_logger("x").info("one")
        logging.getLogger("library").warning("two")
    structlog.get_logger("x").info("three")
    lines = [json.loads(line) for line in written().splitlines()]
    assert [line.get("correlation_id") for line in lines] == ["event-7", "event-7", None]
