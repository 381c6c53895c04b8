"""Tables of when students handed in: Moodle's worksheet, GitHub Classroom's grades, one's own."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from babel.dates import format_datetime

from grader.errors import UserError
from grader.lms.systems.moodle.worksheet import LANGUAGES
from grader.results.policy import Zone
from grader.submissions.students.times import Moment, Times
from grader.submissions.students.timetable import read_times

ZONE = Zone(timezone(timedelta(hours=1)), "+01:00, that of a test")
LOCAL = "{}: times without an offset are read as +01:00, that of a test"
NIGHT = datetime(2026, 10, 30, 23, 59, tzinfo=ZONE.info)
LOCAL_NIGHT = Moment(NIGHT, "system", is_local=True)
KNOWN_NIGHT = Moment(NIGHT, "system")

# As lang/XX/langconfig.php of each pack has it: strftimedaydatetime.
WRITTEN = {
    "English": [
        "Friday, 30 October 2026, 11:59 PM",
        "Friday, October 30, 2026, 11:59 PM",
        "Friday, 30 October 2026, 23:59",
        "30 October 2026, 11:59 PM",
        "2026-10-30 23:59",
    ],
    "German": ["Freitag, 30. Oktober 2026, 23:59"],
    "French": ["vendredi 30 octobre 2026, 23:59"],
    "Spanish": ["viernes, 30 de octubre de 2026, 23:59"],
    "Chinese (simplified)": ["2026年10月30日 星期五 23:59", "2026年10月30日 23:59"],
    "Chinese (traditional)": ["2026年 10月 30日(五) 23:59", "2026年10月30日 星期五 23:59"],
    "Italian": ["venerdì, 30 ottobre 2026, 23:59"],
    "Portuguese": ["sexta-feira, 30 de outubro de 2026 às 23:59", "sexta, 30 out 2026, 23:59"],
    "Dutch": ["vrijdag, 30 oktober 2026, 23:59"],
    "Russian": ["пятница, 30 октября 2026, 23:59"],
    "Japanese": ["2026年 10月 30日(金曜日) 23:59"],
}


def read(path: Path, text: str) -> Times:
    path.write_text(text, encoding="utf-8")
    return read_times(path, ZONE)


def worksheet(language: str, *rows: tuple[str, str]) -> str:
    """Return a worksheet, with the columns that it has in any case."""
    words = LANGUAGES[language]
    columns = ("identifier", "full_name", "email", "grade", "maximum", "changeable", "submitted")
    lines = [",".join(f'"{words.names(column)[0]}"' for column in columns)]
    lines += [f'"{id_}","Ada L","ada@x.example","","100.00","Yes","{t}"' for id_, t in rows]
    return "\ufeff" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_moodles_worksheet_is_read_in_each_language(tmp_path, language):
    rows = [(f"Participant {number}", text) for number, text in enumerate(WRITTEN[language])]
    times = read(tmp_path / "t.csv", worksheet(language, *rows, ("Participant 99", "-")))
    assert times == Times(
        str(tmp_path / "t.csv"),
        "Moodle",
        {str(number): LOCAL_NIGHT for number in range(len(rows))},
        (LOCAL.format(tmp_path / "t.csv"),),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_month_is_read_as_what_it_is(tmp_path, language):
    code = LANGUAGES[language].code
    is_wide = code.startswith(("zh", "ja"))
    pattern = "y年M月d日 EEEE HH:mm" if is_wide else "EEEE, d MMMM y, HH:mm"
    times = [NIGHT.replace(month=month, day=month) for month in range(1, 13)]
    rows = [
        (f"{number}", format_datetime(time, pattern, locale=code.replace("-", "_")))
        for number, time in enumerate(times)
    ]
    table = read(tmp_path / "t.csv", worksheet(language, *rows))
    assert table.of == {
        str(number): LOCAL_NIGHT._replace(at=time) for number, time in enumerate(times)
    }


NOON = {
    "Friday, 30 October 2026, 12:00 PM": 12,
    "Friday, 30 October 2026, 12:00 AM": 0,
    "Friday, 30 October 2026, 9:00 AM": 9,
}


@pytest.mark.parametrize("text", NOON)
def test_noon_is_no_midnight(tmp_path, text):
    times = read(tmp_path / "t.csv", worksheet("English", ("Participant 7", text)))
    assert times.of["7"].at == datetime(2026, 10, 30, NOON[text], tzinfo=ZONE.info)


UNREAD = ["yesterday", "30 October 2026", "10/11/26, 12:00", "Friday 12:00", "30.10.2026 9:00"]


@pytest.mark.parametrize("text", UNREAD)
def test_a_time_that_is_not_certain_is_none_and_is_told(tmp_path, text):
    rows = [("Participant 7", text), ("Participant 8", WRITTEN["English"][0])]
    times = read(tmp_path / "t.csv", worksheet("English", *rows))
    assert times.of == {"8": LOCAL_NIGHT}
    assert times.remarks[1:] == (
        f"{tmp_path}/t.csv, line 2: {text!r} is not a readable time: other times count for id 7",
    )


GITHUB = """\
"assignment_name","github_username","roster_identifier","submission_timestamp","points_awarded"
"hw","Ada-L","ada","2026-10-30 22:59:00 UTC","0"
"hw","ben","","2026-10-30T22:59:00Z","0"
"hw","cy","","","0"
"""


def test_github_classrooms_grades_are_read(tmp_path):
    path = tmp_path / "grades.csv"
    times = dict.fromkeys(["ada-l", "ben"], KNOWN_NIGHT)
    assert read(path, GITHUB) == Times(str(path), "GitHub", times)


OWN = {
    "an_offset": ("id,handed_in\n7,2026-10-30T22:59:00Z\n", {"7": KNOWN_NIGHT}, False),
    "none": ("handed_in;name;ID\n2026-10-30 23:59;x;s7\n", {"s7": LOCAL_NIGHT}, True),
    "a_day": (
        "id,handed_in\n7,2026-10-30\n8,\n",
        {"7": LOCAL_NIGHT._replace(at=NIGHT.replace(hour=0, minute=0))},
        True,
    ),
    "both": (
        "id,handed_in\n7,2026-10-30T22:59:00Z\n8,2026-10-30 23:59\n",
        {"7": KNOWN_NIGHT, "8": LOCAL_NIGHT},
        True,
    ),
    "no_one": ("id,handed_in\n7,\n", {}, False),
}


@pytest.mark.parametrize("case", OWN)
def test_a_table_of_ones_own_is_read(tmp_path, case):
    text, expected, is_local = OWN[case]
    path = tmp_path / "t.csv"
    remarks = (LOCAL.format(path),) if is_local else ()
    assert read(path, text) == Times(str(path), "", expected, remarks)


REFUSED = {
    "name,mail\na,b\n": (
        ": has no columns 'id', 'handed_in'; its headings are: name, mail; nor is it GitHub "
        "Classroom's grades (github_username, submission_timestamp) or Moodle's grading worksheet "
        f"(Identifier, Last modified (submission); read in {', '.join(LANGUAGES)})"
    ),
    "": ": is empty",
    "id,handed_in\n7,2026-10-30\n7,2026-10-31\n": ", line 3: id 7 is also in line 2",
    "github_username,submission_timestamp\nAda,\nada,\n": ", line 3: id ada is also in line 2",
    "id,handed_in\n,2026-10-30\n": ", line 2: there is no id for handed_in 2026-10-30",
    "Identifier,Grade,Last modified (submission)\nx,,-\n": (
        ", line 2: 'x' has no participant number"
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_such_table_is_one_line(tmp_path, text):
    with pytest.raises(UserError) as raised:
        read(tmp_path / "t.csv", text)
    assert str(raised.value) == f"{tmp_path}/t.csv{REFUSED[text]}"


def test_times_do_not_depend_on_the_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Taipei")
    times = read(tmp_path / "t.csv", worksheet("German", ("ID 7", WRITTEN["German"][0])))
    assert times.of["7"].at.astimezone(UTC) == NIGHT
