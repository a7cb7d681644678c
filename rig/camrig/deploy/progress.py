"""A bar with bytes and rate while files cross the wire, on a terminal. Elsewhere the step's own line has to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def bar(stream: TextIO | None = None) -> Iterator[Callable[[int, int], None]]:
    """A function to call with bytes done and bytes to do; the bar appears at its first call, and goes at the end."""
    stream = stream or sys.stdout
    if not stream.isatty():
        yield lambda done, total: None
        return
    # Imported where it is needed: it takes longer than a deploy that finds nothing to do.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("deploy"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=Console(file=stream), transient=True)
    task = shown.add_task("deploy", start=False)

    def told(done: int, total: int) -> None:
        shown.update(task, completed=done, total=total)
        if not shown.live.is_started:
            shown.start_task(task)
            shown.start()

    try:
        yield told
    finally:
        shown.stop()
