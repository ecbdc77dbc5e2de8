"""Calendars: make-up working days, until when a calendar is known, and a bank's file that corrects it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from shared.compliance.calendars import CalendarError, load_calendars, standard_calendars

DEPLOY = Path(__file__).parents[2] / "deploy"

GOOD = """\
calendar: CN
years:
  - year: 2027
    rest: [2027-02-05/2027-02-12, 2027-10-01]
    work: [2027-02-13]
"""


def told(folder, content):
    (folder / "CN.yaml").write_text(content)
    return load_calendars(folder)["CN"]


def test_the_shipped_year_is_what_the_library_says_of_it():
    shipped, predicted = load_calendars(DEPLOY / "calendars")["CN"], standard_calendars()["CN"]
    days = [date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(365)]
    assert [d for d in days if shipped.is_working_day(d) != predicted.is_working_day(d)] == []
    assert shipped.known_until == date(2026, 12, 31)


def test_a_file_replaces_what_was_predicted_and_makes_a_year_known(tmp_path):
    before = standard_calendars()["CN"]
    assert (before.known_until, before.knows(date(2027, 2, 13))) == (date(2026, 12, 31), False)
    assert not before.is_working_day(date(2027, 10, 4))
    calendar = told(tmp_path, GOOD)
    assert (calendar.known_until, calendar.knows(date(2027, 2, 13))) == (date(2027, 12, 31), True)
    assert calendar.is_working_day(date(2027, 2, 13)), "a Saturday worked"
    assert not calendar.is_working_day(date(2027, 2, 12)), "the last of a stretch rests"
    assert calendar.is_working_day(date(2027, 10, 4)), (
        "predicted as a holiday, not announced as one"
    )
    assert calendar.on_or_after(date(2027, 2, 5)) == date(2027, 2, 13)


def test_a_gap_between_known_years_is_not_known(tmp_path):
    calendar = told(tmp_path, GOOD.replace("2027", "2028"))
    assert calendar.known_until == date(2026, 12, 31)
    assert not calendar.knows(date(2027, 6, 1))
    assert calendar.knows(date(2028, 6, 1))


def test_law_makes_federal_holidays_known_for_ever():
    calendar = standard_calendars()["US-FED"]
    assert (calendar.known_until, calendar.knows(date(2060, 1, 1))) == (None, True)
    assert not calendar.is_working_day(date(2026, 11, 26))
    assert not calendar.is_working_day(date(2026, 7, 3)), "the fourth is a Saturday"
    assert calendar.after(date(2026, 11, 20), 5) == date(2026, 11, 30)


def test_a_folder_that_is_not_there_holds_no_file(tmp_path):
    assert sorted(load_calendars(tmp_path / "none")) == ["CN", "US-FED"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("calendar: CN", "calendar: CHINA", r"CN.yaml, line 1: calendar: no calendar is called so"),
        ("2027-10-01]", "2028-10-01]", r"line 4: years\[0\].rest\[1\]: is not in 2027"),
        ("2027-10-01]", "soon]", r"line 4: .* 'soon' is neither a date nor a stretch"),
        ("2027-02-12", "2027-01-12", "line 4: .* ends before it begins"),
        ("[2027-02-13]", "[2027-02-15]", r"line 5: years\[0\].work\[0\]: is no Saturday or Sunday"),
        ("[2027-02-13]", "[2027-02-06]", "line 5: .* is a day of rest too"),
        ("[2027-02-13]", "[2026-02-14]", "line 5: .* is not in 2027"),
        ("    work:", "    works:", "line 5: .* unknown field `works`; did you mean `work`"),
        ("  - year: 2027", "  - year: 2027\n  - year: 2027", "stands twice"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path, old, new, message):
    assert GOOD.count(old) == 1
    with pytest.raises(CalendarError, match=message):
        told(tmp_path, GOOD.replace(old, new))


def test_two_files_for_one_calendar_are_refused(tmp_path):
    (tmp_path / "A.yaml").write_text(GOOD)
    with pytest.raises(
        CalendarError, match=r"CN.yaml, line 1: calendar: 'CN' stands in A.yaml too"
    ):
        told(tmp_path, GOOD)
