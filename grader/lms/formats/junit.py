"""JUnit XML: one test suite per student, one test case per criterion; the mark in system-out.

Format: the schema of the Jenkins xUnit plugin, junit-10.xsd (testsuites, testsuite, testcase,
failure), which CI systems read.
"""

import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from grader.judging.messages import ENGLISH
from grader.lms.marks import Mark
from grader.lms.system import Export, ExportOptions
from grader.results.breakdown import steps
from grader.results.record import Final

NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(finals: Iterable[Final]) -> bytes:
    """Return the XML for some finals."""
    root = ElementTree.Element("testsuites")
    for final in finals:
        failures = [c for c in final.criteria if c.points < c.max_points]
        counts = {"tests": len(final.criteria), "failures": len(failures), "errors": 0}
        attributes = {"name": _text(final.student), "time": f"{final.record.seconds:.3f}"}
        attributes |= {name: str(count) for name, count in counts.items()}
        suite = ElementTree.SubElement(root, "testsuite", attributes)
        for criterion in final.criteria:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_text(final.student), name=criterion.id
            )
            if criterion in failures:
                points = f"{criterion.points:g} of {criterion.max_points:g} points"
                kind = criterion.diagnosis or "wrong"
                failure = ElementTree.SubElement(case, "failure", message=points, type=kind)
                failure.text = _text(criterion.message)
        out = ElementTree.SubElement(suite, "system-out")
        out.text = _text(_summary(final))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _summary(final: Final) -> str:
    lines = [step.line for step in steps(final, ENGLISH)]
    return "\n".join([*lines, f"Final mark: {final.final:g} of {final.record.max_score:g} points"])


def _text(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)


def _export(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> bytes:
    return report(mark.final for mark in marks)


JUNIT = Export("junit", _export)
