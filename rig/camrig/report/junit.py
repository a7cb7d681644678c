"""JUnit XML with blocked and inconclusive tests as errors of the rig, never as failures of the library, and with the
figures of the run as properties of its suite.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from camrig.redaction import hide
from camrig.release_stage import NOT_A_RELEASE
from camrig.report.browser_answers import NOTE, sentence
from camrig.report.export_text import one_line
from camrig.report.pictures import pictures
from camrig.whole_file import read_whole, write_whole

_MAX_BYTES = 256 << 20
RIG_PREFIXES = ("blocked: ", "inconclusive: ")


def rig_as_errors(path: str, properties: Sequence[tuple[str, str]] = ()) -> None:
    """Rewrite the file that pytest wrote: a blocked test becomes ``<error message="blocked: …">``, counts included,
    and no secret is left. ``properties`` of the suite are added.

    A file that is missing or not XML is left alone.
    """
    file = Path(os.path.expandvars(path)).expanduser()
    try:
        tree = ElementTree.fromstring(read_whole(file, _MAX_BYTES))
    except (OSError, ElementTree.ParseError):
        return
    changed = _add_properties(tree, properties)
    changed = _hide_secrets(tree) or changed
    for suite in tree.iter("testsuite"):
        for element in [*suite.iter("failure"), *suite.iter("error")]:
            text = element.text or ""
            if not text.startswith(RIG_PREFIXES):
                continue
            changed = True
            element.set("message", text.splitlines()[0])
            if element.tag == "failure":
                element.tag = "error"
                suite.set("failures", str(int(suite.get("failures", "1")) - 1))
                suite.set("errors", str(int(suite.get("errors", "0")) + 1))
    if changed:
        with suppress(OSError):  # what pytest wrote stays
            write_whole(file, ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True))


def suite_properties(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values for a suite whose results are these: the run, its boards, and the median of each metric."""
    return [(one_line(name), one_line(str(value))) for name, value in _properties(results)]


def _properties(results: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    repository = results["repository"] or {}
    yield "camrig", results["camrig"]
    if results["rehearsal"]:
        yield "rehearsal", NOT_A_RELEASE
    yield "verdict", results["verdict"]["outcome"]
    yield "commit", repository.get("commit", "")
    yield "dirty", str(repository.get("dirty", "")).lower()
    yield "host", results["host"].get("name", "")
    yield "scoped", str(results["selection"].get("scoped", False)).lower()
    for board in results["boards"]:
        spec = board["spec"]
        for name in ("name", "machine", "firmware", "mac", "virtual", "library_sha256", "application_sha256"):
            value = board[name]
            yield f"{spec}: {name}", str(value).lower() if isinstance(value, bool) else value
        if board["sensor"]:
            yield f"{spec}: pictures", pictures(board["sensor"])
        if (answers := board["notes"].get(NOTE)) is not None:
            yield f"{spec}: browser", sentence(answers)
        for metric in board["metrics"]:
            yield f"{spec}: {metric['name']} [{metric['unit']}]", repr(metric["median"])


def _add_properties(tree: ElementTree.Element, properties: Sequence[tuple[str, str]]) -> bool:
    """Add properties to the first suite, in front of its tests; whether there are any."""
    suite = tree if tree.tag == "testsuite" else tree.find("testsuite")
    if suite is None or not properties:
        return False
    parent = suite.find("properties")
    if parent is None:
        parent = ElementTree.Element("properties")
        suite.insert(0, parent)
    for name, value in properties:
        ElementTree.SubElement(parent, "property", {"name": name, "value": value})
    return True


def _hide_secrets(tree: ElementTree.Element) -> bool:
    """Hide secrets in texts and in what tests have recorded; whether there were any."""
    changed = False
    for element in tree.iter():
        if element.text and (text := hide(element.text)) != element.text:
            element.text, changed = text, True
        for name in ("message", "value"):
            value = element.get(name, "")
            if (text := hide(value)) != value:
                element.set(name, text)
                changed = True
    return changed
