"""What a browser remembers of answers to preflights: section 4.9 of the Fetch standard, without a clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from camrig.probe.fetch_cors import Headers, extract_tokens, is_safelisted_method, unsafe_header_names
from camrig.probe.fetch_request import PageRequest

_Key = tuple[str, str, bool]  # origin, URL, with credentials


@dataclass
class PreflightCache:
    """``one_answer``: only the latest answer for a URL is remembered; by the standard they add up.

    ``forgets_null``: none for the origin null is.
    """

    one_answer: bool = False
    forgets_null: bool = False
    _ends: dict[_Key, dict[tuple[str, str], float]] = field(default_factory=dict)  # of methods and headers

    def covers(self, request: PageRequest, url: str, now: float) -> bool:
        """Whether no preflight is needed for a request that needs one (section 4.4, step 4.1)."""
        granted: set[tuple[str, str]] = set()
        for credentials in {True, request.credentials == "include"}:
            ends = self._ends.get((request.origin, _resource(url), credentials), {})
            granted |= {entry for entry, end in ends.items() if now < end}
        method, names = request.sent_method, unsafe_header_names(request.sent_headers)
        if not is_safelisted_method(method) and not granted & {("method", method), ("method", "*")}:
            return False
        return all(
            ("header", name) in granted or (("header", "*") in granted and name != "authorization") for name in names
        )

    def store(self, request: PageRequest, url: str, answer: Headers, max_age: int, now: float) -> None:
        """Remember an answer that allows the request (section 4.8, the end of step 7)."""
        if self.one_answer:
            self.clear(request, url)
        if self.forgets_null and request.origin == "null":
            return
        include = request.credentials == "include"
        ends = self._ends.setdefault((request.origin, _resource(url), include), {})
        methods = extract_tokens(answer, "Access-Control-Allow-Methods")
        names = extract_tokens(answer, "Access-Control-Allow-Headers")
        entries = [("method", method) for method in methods] if isinstance(methods, tuple) else []
        entries += [("header", name.lower()) for name in names] if isinstance(names, tuple) else []
        for entry in entries:
            # With credentials an asterisk stands for itself. To the letter, the cache would take it for a wildcard.
            if not (include and entry[1] == "*"):
                ends[entry] = now + max_age

    def clear(self, request: PageRequest, url: str) -> None:
        """Forget what is known of a URL (section 4.1, where a request that needs a preflight fails)."""
        for credentials in (True, False):
            self._ends.pop((request.origin, _resource(url), credentials), None)


def _resource(url: str) -> str:
    return url.partition("#")[0]
