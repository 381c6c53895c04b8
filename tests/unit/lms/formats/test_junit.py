"""The report is as the schema of JUnit says."""

from pathlib import Path

from exported import HOSTILE
from finals import mark
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from grader.lms.formats import junit

# The schema is that of the Jenkins xUnit plugin, as published (MIT licence, in the file)

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit-10.xsd")))


def test_junit_is_as_the_schema_says_whatever_the_text():
    marks = [mark("ada", 20), mark(HOSTILE, 8, message=HOSTILE)]
    root = etree.fromstring(junit.report(m.final for m in marks))
    SCHEMA.assertValid(root)
    assert [suite.get("failures") for suite in root] == ["0", "1"]
    (failure,) = root.iter("failure")
    assert "::error::100% of <b>you</b>" in failure.text
    del root[0].attrib["failures"]  # the schema does look
    assert not SCHEMA.validate(root)


@given(st.text(), st.text(), st.floats(0, 1e5))
def test_junit_holds_any_text(student, message, seconds):
    final = mark(student, 8, message=message).final
    final = replace(final, record=replace(final.record, seconds=seconds))
    SCHEMA.assertValid(etree.fromstring(junit.report([final])))
