"""A progress bar with bytes and rate during a transfer. It is shown on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def progress_bar(stream: TextIO | None = None) -> Iterator[Callable[[int, int], None]]:
    """A function to call with bytes done and bytes to do. The bar appears at the first call and goes at the end."""
    stream = stream or sys.stdout
    if not stream.isatty():
        yield lambda done, total: None
        return
    # Imported here because it takes longer than a deploy without changes.
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
    progress = Progress(*columns, console=Console(file=stream), transient=True)
    task = progress.add_task("deploy", start=False)

    def update(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)
        if not progress.live.is_started:
            progress.start_task(task)
            progress.start()

    try:
        yield update
    finally:
        progress.stop()
