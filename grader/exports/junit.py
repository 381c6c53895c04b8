"""JUnit XML: a test suite a student, a test case a criterion.

Format: the schema of the Jenkins xUnit plugin, junit-10.xsd (testsuites, testsuite, testcase,
failure), which CI systems read.
"""

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from grader.records import Record

NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(records: Iterable[Record]) -> bytes:
    """Return the XML of some records."""
    root = ElementTree.Element("testsuites")
    for record in records:
        lost = [c for c in record.criteria if c.points < c.max_points]
        counts = {"tests": len(record.criteria), "failures": len(lost), "errors": 0}
        attributes = {"name": _text(record.student), "time": f"{record.seconds:.3f}"}
        attributes |= {name: str(count) for name, count in counts.items()}
        suite = ElementTree.SubElement(root, "testsuite", attributes)
        for criterion in record.criteria:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_text(record.student), name=criterion.id
            )
            if criterion in lost:
                points = f"{criterion.points:g} of {criterion.max_points:g} points"
                kind = criterion.diagnosis or "wrong"
                failure = ElementTree.SubElement(case, "failure", message=points, type=kind)
                failure.text = _text(criterion.message)
    ElementTree.indent(root)
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded + b"\n"


def _text(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
