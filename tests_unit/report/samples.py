"""Results with any texts, for whatever writes or reads them."""

from __future__ import annotations

from typing import Any

from camrig.measure.recorder import Recorder
from camrig.report.json_report import BoardReport, RunReport, TestRecord, data_of
from camrig.report.packed_text import packed
from hypothesis import strategies as st

# Control characters, halves of surrogate pairs, markup, formulas and what formats of text files quote.
TEXTS = st.text(max_size=40) | st.sampled_from(
    ["", "=1+1", "a|b`c", "<b>&amp;", "]]>", "\ud800", "\x00\x1b[31m", '\\"\n', "# EOF\n", "\u2028", "@you", "\ufffe"]
)
EXCHANGE = {
    "policy": {"allowed_origins": ["https://panel.example"], "max_age": None},
    "changes": "",
    "request": {"method": "OPTIONS", "target": "/", "headers": [["Origin", "https://panel.example"]]},
    "response": {"status": 204, "reason": "NO CONTENT", "headers": []},
    "expected": {"status": 204, "headers": {"Vary": "Origin", "Access-Control-Allow-Origin": None}},
}


def health(text: str, *ends: str) -> dict[str, Any]:
    """A quarantined board, on which runs ended like that."""
    runs = [
        {"at": f"2026-11-{day:02} 01:12:09", "run": text, "end": end, "count": 0, "reason": text}
        for day, end in enumerate(ends, 1)
    ]
    mark = {"at": "2026-11-29 01:12:09", "run": text, "reason": text, "by": "hand"}
    return {"state": text, "name": text, "mac": text, "runs": runs, "wedged": None, "quarantined": mark}


def board_report(text: str = "sim", **fields: Any) -> BoardReport:
    recorder = Recorder()
    recorder.record(f"latency.{text}", [1.5, 2.5, 3.25], "ms", [0.5])
    recorder.record("heap.leak_slope", [60_000, 60_320], f"B/{text}", at=[0, 20])
    recorder.note(text, {text: [text, 1, None]})
    hexadecimal = "ab" * 32
    values: dict[str, Any] = {
        **dict.fromkeys(("spec", "machine", "firmware", "build", "mac", "mpy", "url", "library_source"), text),
        **dict.fromkeys(("chip", "application", "application_source"), text),
        **dict.fromkeys(("library_source_sha256", "library_sha256", "application_sha256"), hexadecimal),
        "virtual": True,
        "heap_bytes": 4_000_000,
        "steps": [{"name": text, "seconds": 0.1, "ok": True}],
        "recovery": [{"rung": text, "seconds": 0.1, "ok": False}],
        "crashes": [{"test": text, "kind": text, "what": text, "between": False}],
        "metrics": recorder.metrics,
        "notes": recorder.notes,
        "radio": {"rssi": -42, "channel": None, "power_save": 0},
        "sensor": {"name": text, "synthetic": False, "error": text},
        "timeline": [
            {
                **{"at": 1.5, "kind": "crash", "what": text, "seconds": 0.0, "ok": None},
                **{"test": text, "console": text},
            }
        ],
        "console": packed(text),
        "health": health(text),
        "usb": [text],
    }
    return BoardReport(**{**values, **fields})


def run_report(text: str = "sim", exit_code: int = 1, **fields: Any) -> RunReport:
    failed = TestRecord(text, "failed", text, 0.5, 0.25, text, [text], EXCHANGE, text)
    values: dict[str, Any] = {
        **{"camrig": "0.1", "started": "2026-01-02T03:04:05.678+00:00", "seconds": 1.5, "exit_code": exit_code},
        **{"tests": {"passed": 1, "failed": 1}, "blocked": [text], "boards": [board_report(text)]},
        **{"correct": text, "arguments": [text], "repository": {"commit": "cd" * 20, "dirty": True}},
        "host": dict.fromkeys(("name", "system", "machine", "python"), text),
        "selection": {"scoped": True, "keyword": text, "paths": [text], "collected": 2, "not_run": 0},
        "limits": {text: "+0 B"},
        "outcomes": [TestRecord("test_a", "passed", "", 0.0, 0.1, ""), failed],
    }
    return RunReport(**{**values, **fields})


def results(text: str = "sim", exit_code: int = 1, **fields: Any) -> dict[str, Any]:
    return data_of(run_report(text, exit_code, **fields))
