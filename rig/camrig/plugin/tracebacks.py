"""Tracebacks that pytest can show."""

from __future__ import annotations


def drop_entries_without_line(error: BaseException | None) -> None:
    """Takes entries whose line is unknown out of the tracebacks of an error and what led to it, but never the first.

    CPython gives some instructions that it adds itself no line (PEP 626), and a signal can arrive at one of them.
    Where pytest shows that traceback, it subtracts 1 from the line, and dies instead of saying what interrupted it.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # an error may be its own cause
        seen.add(id(error))
        entry = error.__traceback__
        while entry is not None:
            following = entry.tb_next
            while following is not None and (following.tb_lineno or -1) < 0:  # None, and -1 in Python 3.10
                following = following.tb_next
            entry.tb_next = following
            entry = following
        error = error.__cause__ or error.__context__
