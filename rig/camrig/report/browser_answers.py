"""What a browser has decided in a run, in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

NOTE = "browser.answers"  # where a suite keeps them, in the form that the schema of results gives
WORDS = {"allowed": "allowed", "blocked": "blocked", "throws": "not sent"}


def sentence(answers: Mapping[str, Any]) -> str:
    """All answers in one sentence."""
    cells = answers["cells"]
    outcomes = Counter(cell["outcome"] for cell in cells)
    counts = ", ".join(in_words(Counter(cell["browser"] for cell in cells)))
    start = f"{answers['version']} was asked {len(cells)} times: {counts or 'no answer'}"
    if outcomes["agrees"] == len(cells):
        return f"{start}; all as the policy means"
    failed = f"{outcomes['failed']} not as the policy means" if outcomes["failed"] else ""
    blocked = f"{outcomes['blocked']} could not be judged" if outcomes["blocked"] else ""
    return "; ".join(filter(None, (start, failed, blocked)))


def in_words(decisions: Mapping[str, int]) -> list[str]:
    """Each decision with its number."""
    return [f"{decisions[word]} {shown}" for word, shown in WORDS.items() if decisions.get(word)]
