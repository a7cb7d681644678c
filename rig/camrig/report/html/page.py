"""The page of one run: its results as one HTML file that needs nothing else. Pure: results in, text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from camrig.report.browser_answers import NOTE
from camrig.report.html import figures
from camrig.report.html.browser import browser
from camrig.report.html.templates import rendered
from camrig.report.metrics_table import number
from camrig.report.pictures import is_unwanted, pictures
from camrig.report.side_by_side import BoardColumn, NightHead, columns_of, ordered, rows_of

# Beside each word, so that nothing depends on colour. A blocked rig is never red: nothing failed.
SIGNS = {
    "passed": "✓",
    "failed": "✗",
    "error": "✗",
    "interrupted": "‖",
    "blocked": "◇",
    "no tests": "◇",
    "inconclusive": "?",
}
NOT_RUN = ("blocked", "inconclusive", "skipped", "xfailed")
JUDGED = 10  # runs of a board that say how it is
WHOLE = 6  # tests of one cause that are shown whole; of the others the names


def page(results: Mapping[str, Any], release: Mapping[str, Any] | None = None, night: NightHead | None = None) -> str:
    """The page of a run's ``results``, as ``read_results`` returns them; of a ``release``, with its head above.

    Of a ``night`` the results are those of all its suites joined; each board's own page has its figures.
    """
    outcome, tests = results["verdict"]["outcome"], results["outcomes"]
    columns = columns_of(results)
    rows = rows_of(columns)
    if night is not None:
        columns = [replace(column, ending=night.endings[column.name]) for column in ordered(columns, night.endings)]
        rows = [*night.rows, *rows_of(columns)[1:]]
    return rendered(
        "run.html",
        results=results,
        release=release,
        night=night,
        columns=[_column(column) for column in columns] if len(columns) > 1 else [],
        rows=rows,
        verdict={"css": outcome.replace(" ", "-"), "sign": SIGNS[outcome], "word": outcome.capitalize()},
        reasons=reasons(results),
        notices=notices(results),
        causes=causes([test for test in tests if test["outcome"] in figures.FAILED]),
        not_run=[_not_run(test) for test in tests if test["outcome"] in NOT_RUN],
        boards=[] if night else [_board(board, results) for board in results["boards"]],
        known_issues=[sentence for board in results["boards"] for sentence in board["known_issues"]],
    )


def _column(column: BoardColumn) -> dict[str, str]:
    """The head of a board's column: its name, how it ended, and the place of its section in the page."""
    return {
        "name": column.name,
        "word": column.ending,
        "sign": SIGNS[column.ending],
        "anchor": anchor(column.name) if column.facts else "",
    }


def anchor(spec: str) -> str:
    """The name of a board's section within the page."""
    return "board-" + "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in spec)


def reasons(results: Mapping[str, Any]) -> list[str]:
    """The verdict's reasons in words, the first one first, each once."""
    sentences = [results["verdict"]["sentence"], *results["blocked"]]
    if len(results["boards"]) == 1:  # each of several has its own in its section
        sentences += results["boards"][0]["answers"].values()
    first = sentences[0]
    return [first, *dict.fromkeys(text for text in sentences[1:] if text and text.rstrip(".") not in first)]


def notices(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reader has to know before the figures, as a word and a sentence."""
    selection = results["selection"]
    texts = []
    if results["rehearsal"]:
        texts.append(("rehearsal", "Not a release: nothing of this says that a firmware may be shipped."))
    if results["interrupted"]:
        texts.append(("interrupted", "The run was interrupted: what is missing here was not looked at."))
    if selection.get("stopped"):
        texts.append(("stopped", f"The run stopped before its last test: {selection['stopped']}."))
    if selection.get("scoped"):
        texts.append(("scoped", f"Only a part of the tests was selected: {_scope(selection)}."))
    if any(board["virtual"] for board in results["boards"]):
        texts.append(("virtual", "Virtual board: no figure on this page is one of hardware."))
    elif unwanted := [board for board in results["boards"] if is_unwanted(board["sensor"])]:
        sentences = dict.fromkeys(f"They are {pictures(board['sensor'])}." for board in unwanted)
        texts.append(("pictures", " ".join(sentences)))
    return texts


def _scope(selection: Mapping[str, Any]) -> str:
    flags = (("-k", selection.get("keyword")), ("-m", selection.get("markers")))
    parts = [f"{flag} {value}" for flag, value in flags if value]
    if selection.get("deselected"):
        parts.append(f"{selection['deselected']} tests left out")
    return ", ".join([*parts, *selection.get("paths", ())]) or "by the command line"


def causes(failed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Failed tests by what they say first, the most frequent cause first; ``names`` are those not shown whole."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for test in failed:
        groups.setdefault(next(iter(test["differences"]), _reason(test)), []).append(test)
    return [
        {
            "text": text,
            "tests": [{**test, "exchange": messages(test)} for test in tests[:WHOLE]],
            "names": [test["test"] for test in tests[WHOLE:]],
            "number": len(tests),
            "boards": ", ".join(
                f"{board} ({count})"
                for board, count in Counter(filter(None, (test.get("board") for test in tests))).items()
            ),
        }
        for text, tests in sorted(groups.items(), key=lambda entry: -len(entry[1]))
    ]


def _reason(test: Mapping[str, Any]) -> str:
    """The line of a test's text that names the error: pytest marks those with an E, and the rig begins with them."""
    lines = [line for line in test["text"].splitlines() if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E  ")]
    return next(iter(errors or lines), "no reason is known")


def messages(test: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Policy, request, response and expectation of a failed exchange, each as a heading and its lines."""
    exchange = test["exchange"]
    if not isinstance(exchange, Mapping) or not {"request", "response"} <= exchange.keys():
        return []
    request, response = exchange["request"], exchange["response"]
    policy = [f"{name} = {value!r}" for name, value in (exchange.get("policy") or {}).items()]
    parts = [
        ("policy", "\n".join(policy) + str(exchange.get("changes", ""))),
        ("request", _message(f"{request['method']} {request['target']}", request["headers"])),
        ("response", _message(f"{response['status']} {response['reason']}", response["headers"])),
    ]
    if expected := exchange.get("expected"):
        rows = [(name, "(absent)" if value is None else value) for name, value in expected["headers"].items()]
        parts.append(("expected", _message(str(expected["status"]), rows)))
    return parts


def _message(first: str, headers: Sequence[Sequence[str]]) -> str:
    return "\n".join([first, *(f"{name}: {value}" for name, value in headers)])


def _not_run(test: Mapping[str, Any]) -> tuple[str, str, str]:
    return test["test"], test["outcome"], _first_line(test)


def _first_line(test: Mapping[str, Any]) -> str:
    return next(iter(test["text"].strip().splitlines()), "")


def card(board: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the figures belong to: chip, firmware, radio, library, application, as names and values."""
    radio, sensor = board["radio"] or {}, board["sensor"]
    rows = [
        ("board", ", ".join(filter(None, (board["machine"], board["mac"], "virtual" if board["virtual"] else "")))),
        ("firmware", " ".join(filter(None, (board["firmware"], board["build"])))),
        ("library", _with_hash(board["library_source"], board["library_source_sha256"])),
        ("on the board", _hash(board["library_sha256"])),
        ("application", _with_hash(board["application_source"], board["application_sha256"])),
        (
            "radio",
            ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in radio.items() if value is not None),
        ),
        ("pictures", pictures(sensor) if sensor else ""),
        ("health", health(board.get("health"))),
        ("USB", "; ".join(board.get("usb", ()))),
        ("heap", f"{number(board['heap_bytes'])} B"),
        ("address", board["url"]),
    ]
    return [(name, value) for name, value in rows if value]


def health(entry: Mapping[str, Any] | None) -> str:
    """The state of a board and how its last runs ended, where not all of them were fine."""
    runs = entry["runs"][-JUDGED:] if entry else []
    bad = [run for run in runs if run["end"] != "fine"]
    ends = (
        f"{len(bad)} of its last {len(runs)} runs bad, the last: {bad[-1]['end']} at {bad[-1]['at']}" if bad else ""
    )
    return "; ".join(filter(None, (entry["state"], ends))) if entry else ""


def _with_hash(name: str, sha256: str) -> str:
    return f"{name}, {_hash(sha256)}" if name and sha256 else name


def _hash(sha256: str) -> str:
    return f"SHA-256 {sha256[:8]}…" if sha256 else ""


def _board(board: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **board,
        "anchor": anchor(board["spec"]),
        "card": card(board),
        "figures": figures.of_board(board, results),
        "matrix": matrix(board["notes"].get("cors.matrix", [])),
        "browser": browser(board["notes"].get(NOTE)),
        "table": [_row(metric) for metric in board["metrics"]],
        "console_text": _console(board["console"]),
    }


def _console(console: Mapping[str, Any] | None) -> str:
    if console is None:
        return ""
    left_out = f"; the {console['left_out']:,} bytes before them were not kept" if console["left_out"] else ""
    return f"{console['bytes']:,} bytes, compressed in this page{left_out}."


def matrix(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows of policies and columns of requests, with the cell for each pair that was tried."""
    columns = list(dict.fromkeys(cell["request"] for cell in cells))
    rows: dict[str, dict[str, Any]] = {}
    for cell in cells:
        rows.setdefault(cell["policy"], {})[cell["request"]] = cell
    return {
        "columns": columns,
        "rows": [
            (policy, [row.get(column) for column in columns])
            for policy, row in sorted(rows.items(), key=lambda entry: (entry[0].count(","), entry[0]))
        ],
        "failed": [cell for cell in cells if cell["failed"]],
    }


def _row(metric: Mapping[str, Any]) -> list[str | float | None]:
    return [metric["name"], metric["unit"], *(metric[name] for name in ("median", "low", "high", "p95", "p99", "n"))]
