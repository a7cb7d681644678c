"""The summary of a run as Markdown, appended to the page of a job of GitHub Actions.

https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-job-summary
"""

from __future__ import annotations

import html
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from camrig.redaction import hide, visible
from camrig.report.export_text import one_line
from camrig.report.metrics_table import number
from camrig.report.pictures import pictures

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST = 1 << 20  # bytes of the file of one step; GitHub shows nothing of a longer one
MARKS = {"passed": "✅", "failed": "❌", "blocked": "⚠️", "inconclusive": "❓", "interrupted": "⏹️"}
CAUSES, FAILURES, METRICS, TEXT = 10, 30, 100, 4000
_CUT = "\n_The rest is left out: see the results._\n"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~@:])")


def append_summary(results: Mapping[str, Any], path: str) -> None:
    """Append the summary to the file ``path``, as far as GitHub shows it. What cannot be written is left out."""
    _append(lambda room: as_markdown(results, room), path)


def append_paragraphs(texts: Sequence[str], path: str) -> None:
    """Append a heading and the texts behind it, as ``append_summary`` does."""
    heading, *paragraphs = map(_escaped, texts)
    text = "".join([f"## {heading}\n\n", *(f"- {paragraph}\n" for paragraph in paragraphs), "\n"])
    _append(lambda room: text if len(text.encode()) <= room else "", path)


def _append(text_of: Callable[[int], str], path: str) -> None:
    """Append the text for the room that is left."""
    with suppress(OSError, ValueError):  # a path with a NUL
        file = Path(path)
        used = file.stat().st_size if file.exists() else 0
        if (room := MOST - used) <= 0 or (file.exists() and not stat.S_ISREG(file.stat().st_mode)):
            return
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0), 0o666)
        with open(handle, "ab") as stream:
            stream.write(text_of(room).encode())


def as_markdown(results: Mapping[str, Any], room: int = MOST) -> str:
    """The summary for ``results`` in at most ``room`` bytes: whole parts, or nothing."""
    parts: list[str] = []
    used = 0
    for part in _parts(results):
        size = len(part.encode())
        if used + size + len(_CUT) > room:
            return "".join([*parts, _CUT]) if used + len(_CUT) <= room else ""
        parts.append(part)
        used += size
    return "".join(parts)


def _parts(results: Mapping[str, Any]) -> Iterator[str]:
    outcome = results["verdict"]["outcome"]
    yield f"## {MARKS.get(outcome, '')} camrig: {_escaped(outcome)}\n\n{_escaped(results['verdict']['sentence'])}\n\n"
    for cause in results["blocked"][:CAUSES]:
        yield f"- {_escaped(cause)}\n"
    for board in results["boards"]:
        yield _of_board(board)
    failures = [test for test in results["outcomes"] if test["outcome"] in ("failed", "error", "blocked")]
    if failures:
        yield "\n### Tests that did not pass\n\n"
    for test in failures[:FAILURES]:
        yield _of_test(test)
    if len(failures) > FAILURES:
        yield f"\nand {len(failures) - FAILURES} more\n"
    for board in results["boards"]:
        yield from _of_metrics(board)


def _of_board(board: Mapping[str, Any]) -> str:
    virtual = " — **virtual board: no figure of hardware**" if board["virtual"] else ""
    names = ", ".join(_escaped(text) for text in (board["machine"], board["firmware"], board["mac"]) if text)
    answers = " ".join(_escaped(board["answers"][name]) for name in ("cost", "leak"))
    sensor = board["sensor"]
    shown = f"\n\nPictures: {_escaped(pictures(sensor))}" if sensor else ""
    return f"\n**{_escaped(board['spec'])}**: {names}{virtual}{shown}\n\n{answers}\n"


def _of_test(test: Mapping[str, Any]) -> str:
    text = "\n\n".join(filter(None, [test["text"], test["console"] and f"console:\n{test['console']}"]))
    text = text if len(text) <= TEXT else f"…{text[-TEXT:]}"
    summary = html.escape(one_line(f"{test['test']}: {test['outcome']}"))
    return f"<details><summary>{summary}</summary>\n\n<pre>{_preformatted(text)}</pre>\n</details>\n"


def _of_metrics(board: Mapping[str, Any]) -> Iterator[str]:
    metrics = board["metrics"][:METRICS]
    if not metrics:
        return
    head = f"\n<details><summary>Figures of {html.escape(one_line(board['spec']))}</summary>\n\n"
    rows = ["| metric | unit | median | p95 | p99 | n |", "|---|---|--:|--:|--:|--:|"]
    for metric in metrics:
        figures = ["–" if metric[name] is None else number(metric[name]) for name in ("median", "p95", "p99")]
        rows.append(
            f"| {_escaped(metric['name'])} | {_escaped(metric['unit'])} | {' | '.join(figures)} | {metric['n']} |"
        )
    yield head + "\n".join(rows) + "\n\n</details>\n"


def _escaped(text: str) -> str:
    """A text that neither Markdown nor HTML takes for its own, and that mentions nobody."""
    return _MARKDOWN.sub(r"\\\1", html.escape(one_line(hide(text)), quote=False))


def _preformatted(text: str) -> str:
    """A text of several lines inside ``<pre>``. An empty line would end the HTML, and what follows be Markdown."""
    lines = [html.escape(line) or "&#8203;" for line in visible(hide(text)).split("\n")]
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()
