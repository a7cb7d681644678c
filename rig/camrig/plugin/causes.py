"""What failed tests have in common: a fault that turns many tests red is one line at the end of a run.

A test's error may say in ``differences`` what it found, each as ``<what> where <what was expected>``. Tests that
found the same <what> have one cause. Of other errors, the first line of the message counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

DIFFERENCE = "difference"  # the property of a report that has one, which a process of xdist sends along
LINES = 10
WIDTH = 200  # characters of one cause


def add_differences(report: pytest.TestReport, error: BaseException | None) -> None:
    """Keep in a failed test's report what its error found."""
    texts = differences_of(error)
    report.user_properties += [(DIFFERENCE, text) for text in texts or [_first_line(report)]]


def differences_of(error: BaseException | None) -> list[str]:
    """What an error of a test says that it found; empty for one that says nothing, or uses the name otherwise."""
    texts = getattr(error, "differences", None)
    return [str(text) for text in texts] if isinstance(texts, (list, tuple)) else []


def causes(findings: Mapping[str, Sequence[str]]) -> list[str]:
    """One line for each cause, the most frequent first. ``findings``: the differences by test.

    A test that found several is counted only where most others are, because one fault may show in several headers.
    """
    left, lines = dict(findings), []
    while left:
        kinds = Counter(kind for texts in left.values() for kind in dict.fromkeys(map(_kind, texts)))
        kind, number = kinds.most_common(1)[0]
        same = [[text for text in texts if _kind(text) == kind] for texts in left.values()]
        variants = Counter(texts[0] for texts in same if texts)
        text = variants.most_common(1)[0][0][:WIDTH]
        rest = f" (and {len(variants) - 1} more of that kind)" if len(variants) > 1 else ""
        lines.append(f"{number} {'test' if number == 1 else 'tests'}: {text}{rest}")
        left = {test: texts for test, texts in left.items() if kind not in map(_kind, texts)}
    return lines


class CausesSummary:
    """Prints the causes below everything else, where a reader looks first."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        result = yield
        findings: dict[str, list[str]] = {}
        for report in terminalreporter.stats.get("failed", ()):
            texts = [value for name, value in report.user_properties if name == DIFFERENCE]
            if texts:
                findings.setdefault(report.nodeid, []).extend(texts)
        if len(findings) > 1:
            terminalreporter.section(f"what the {len(findings)} failed tests found", red=True)
            lines = causes(findings)
            for line in lines[:LINES]:
                terminalreporter.write_line(line)
            if len(lines) > LINES:
                terminalreporter.write_line(f"and {len(lines) - LINES} more causes")
        return result


def _kind(text: str) -> str:
    return text.partition(" where ")[0]


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    return text.strip().partition("\n")[0]
