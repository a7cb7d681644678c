"""What a browser remembers of answers to preflights: section 4.9 of the Fetch standard, without a clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from camrig.probe.fetch_cors import PreflightCheck, is_safelisted_method, unsafe_header_names
from camrig.probe.fetch_request import PageRequest

_Key = tuple[str, str, bool]  # origin, URL with its fragment, with credentials


@dataclass
class PreflightCache:
    """``one_answer``: only the latest answer for a URL is remembered; by the standard they add up.

    An asterisk of an answer with credentials stands for itself. To the letter, the standard's cache takes it for a
    wildcard, which its check does not.
    """

    one_answer: bool = False
    _ends: dict[_Key, dict[tuple[str, str], float]] = field(default_factory=dict)  # of methods and headers

    def covers(self, request: PageRequest, url: str, now: float) -> bool:
        """Whether no preflight is needed for a request that needs one (section 4.4, step 4.1)."""
        literal: set[tuple[str, str]] = set()
        wild: set[tuple[str, str]] = set()
        for include in {True, request.credentials == "include"}:
            ends = self._ends.get((request.origin, url, include), {})
            valid = {entry for entry, end in ends.items() if now < end}
            literal |= valid
            wild |= set() if include else valid
        method, names = request.sent_method, unsafe_header_names(request.sent_headers)
        if not is_safelisted_method(method) and ("method", method) not in literal and ("method", "*") not in wild:
            return False
        return all(
            ("header", name) in literal or (("header", "*") in wild and name != "authorization") for name in names
        )

    def store(self, request: PageRequest, url: str, check: PreflightCheck, now: float) -> None:
        """Remember an answer that allows the request (section 4.8, the end of step 7)."""
        if self.one_answer:
            self.clear(request, url)
        ends = self._ends.setdefault((request.origin, url, request.credentials == "include"), {})
        for entry in [("method", method) for method in check.methods] + [("header", name) for name in check.headers]:
            ends[entry] = now + check.max_age

    def clear(self, request: PageRequest, url: str) -> None:
        """Forget what is known of a URL (section 4.1, where a request that needs a preflight fails)."""
        for include in (True, False):
            self._ends.pop((request.origin, url, include), None)

    def forget_origin(self, origin: str) -> None:
        """Forget what is known to an origin."""
        self._ends = {key: ends for key, ends in self._ends.items() if key[0] != origin}
