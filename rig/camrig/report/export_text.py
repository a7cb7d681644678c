"""Texts from elsewhere as files for other programs may hold them: without control characters and half characters."""

from __future__ import annotations

from camrig.redaction import visible

_NOT_IN_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


def one_line(text: str) -> str:
    """``text`` in one line of UTF-8, with escapes for what is not printed, and for halves of surrogate pairs."""
    text = visible(text.replace("\n", "\\n").replace("\t", "\\t")).translate(_NOT_IN_XML)
    return text.encode("utf-8", "backslashreplace").decode()
