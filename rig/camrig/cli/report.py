"""``camrig report``: the results of a run in another format, which the suffix of the new file names."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from camrig.cli.command import Command
from camrig.errors import ResultsError
from camrig.report.results_file import read_results
from camrig.settings.resolve import Settings
from camrig.whole_file import write_whole

# By suffix: the module and the function that make a file's text of what read_results returns. The first is the usual.
WRITERS = {
    ".html": ("camrig.report.html.page", "page"),
    ".csv": ("camrig.report.csv_export", "as_csv"),
    ".txt": ("camrig.report.openmetrics", "as_openmetrics"),
    ".md": ("camrig.report.step_summary", "as_markdown"),
}
WORDS = {".html": "a page", ".csv": "every value", ".txt": "OpenMetrics", ".md": "a summary in Markdown"}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    suffix = next(iter(WRITERS))
    formats = ", ".join(f"{suffix} ({WORDS[suffix]})" for suffix in WRITERS)
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="a file run-….json, or the folder of the latest"
    )
    parser.add_argument(
        "-o", dest="output", type=Path, metavar="FILE", help=f"{formats}; beside the results, with {suffix}"
    )


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    source: Path = latest(arguments.results)
    target: Path = arguments.output or source.with_suffix(next(iter(WRITERS)))
    suffix = target.suffix.lower()
    if suffix not in WRITERS:
        raise ResultsError(f"{target} has no known suffix", hint=f"name a file that ends in {', '.join(WRITERS)}")
    if target.exists() and source.exists() and target.samefile(source):
        raise ResultsError(f"{target} is the file of results itself", hint="name another file")
    results = read_results(source)
    module, name = WRITERS[suffix]
    writer: Callable[[Mapping[str, Any]], str] = getattr(import_module(module), name)
    text = writer(results)
    try:
        write_whole(target, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ResultsError(f"{target} cannot be written: {error.strerror}", hint="name another file") from None
    print(target)
    return 0


def latest(path: Path) -> Path:
    """``path``, or the latest results of a folder. Raises ResultsError for a folder without any."""
    if not path.is_dir():
        return path
    files = sorted(path.glob("run-*.json"), key=lambda file: (file.stat().st_mtime, file.name))
    if not files:
        raise ResultsError(f"{path} has no results", hint="run pytest first")
    return files[-1]


REPORT = Command("report", "write the results of a run in another format", _add_arguments, _run, needs_settings=False)
