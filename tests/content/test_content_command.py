"""`arrears content`: what it prints, and its exit status."""

import shutil

from typer.testing import CliRunner

from shared.cli.main import app
from shared.content.loading import STANDARD_CONTENT


def run(*arguments):
    return CliRunner().invoke(app, ["content", *arguments])


def test_the_shipped_register_is_in_order():
    result = run("check")
    assert result.exit_code == 0
    assert "each as it was approved" in result.output


def test_a_register_with_a_wrong_digest_fails_and_says_what_to_write(tmp_path):
    shutil.copytree(STANDARD_CONTENT, tmp_path / "content")
    path = tmp_path / "content" / "templates.yaml"
    first = next(line for line in path.read_text().splitlines() if line.startswith("    digest: "))
    path.write_text(path.read_text().replace(first, f'    digest: "{64 * "0"}"', 1))
    result = run("check", "--content", str(tmp_path / "content"))
    assert result.exit_code == 1
    assert first.strip() in result.output


def test_a_missing_register_is_an_error():
    assert run("check", "--content", "/nowhere").exit_code == 1
    assert run("list", "--content", "/nowhere").exit_code == 1


def test_the_list_marks_what_is_not_in_use_on_a_day():
    before = run("list", "--on", "1999-01-01").output
    now = run("list", "--on", "2026-11-23").output
    assert before.count("NOT IN USE") == now.count("approved")
    assert "NOT IN USE" not in now
    assert run("list", "--on", "tomorrow").exit_code == 1


def test_a_sentence_is_judged_and_shown_where_it_offends():
    good = run("judge", "您的材料已收到。")
    assert (good.exit_code, good.output) == (0, "may be sent\n")
    bad = run("judge", "You will go to jail.", "--language", "en")
    assert bad.exit_code == 1
    assert "threat_arrest: jail  NOT ALLOWED" in bad.output
    assert "is not sent" in bad.output
