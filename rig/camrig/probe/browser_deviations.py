"""Where Chromium departs from the Fetch standard, as data, and what a browser therefore does with a page's request.

Each entry was verified in Chromium 156. What is not listed here is a fault of the oracle or of whoever answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from camrig.probe.fetch_cors import Headers, ResponseCheck, get, is_safelisted_header
from camrig.probe.fetch_redirect import Hop, Memory, Rules, Step, follow
from camrig.probe.fetch_request import PageRequest
from camrig.probe.preflight_cache import PreflightCache

_UNSAFE = '"'  # a value that no header may have without a preflight
_MOST_BYTES = 1024  # of safelisted values together, section 2.2.2
_LARGEST_POSITION = 2**63 - 2  # of a range of bytes in Chromium

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"[0-9]+")
_HINTS = {
    "device-memory": _NUMBER,
    "downlink": _NUMBER,
    "dpr": _NUMBER,
    "ect": re.compile(r"slow-2g|[234]g"),
    "intervention": re.compile(r".*", re.DOTALL),
    "rtt": _INTEGER,
    "save-data": re.compile(r"on", re.IGNORECASE),
    "viewport-width": _INTEGER,
    "width": _INTEGER,
}


def _as_it_is(request: PageRequest) -> PageRequest:
    return request


def _hop_as_it_is(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    return request, hop


def _locations_as_they_are(locations: list[str]) -> list[str]:
    return locations


def _never(request: PageRequest) -> bool:
    return False


@dataclass(frozen=True)
class Deviation:
    """``standard`` is what a section of the Fetch standard says, ``browser`` what the browser does instead.

    ``sent`` is what is left of a script's request, and ``refused`` whether the browser sends it at all. ``view``,
    ``redirected``, ``passes_cache``, ``locations`` and the first two flags are as in ``Rules``; the other flags are
    about the cache of preflights.
    """

    name: str
    section: str
    standard: str
    browser: str
    sent: Callable[[PageRequest], PageRequest] = _as_it_is
    refused: Callable[[PageRequest], bool] = _never
    view: Callable[[PageRequest, Hop], tuple[PageRequest, Hop]] = _hop_as_it_is
    redirected: Callable[[PageRequest], PageRequest] = _as_it_is
    passes_cache: Callable[[PageRequest], bool] = _never
    locations: Callable[[list[str]], list[str]] = _locations_as_they_are
    wildcard_covers_authorization: bool = False
    taint_passes_cache: bool = False
    keeps_failures: bool = False
    one_answer: bool = False
    forgets_null: bool = False


@dataclass(frozen=True)
class Expectation:
    """What becomes of a request: what its page sees of the response, and every request on the way."""

    check: ResponseCheck
    steps: tuple[Step, ...]


def expected(
    request: PageRequest,
    url: str,
    hops: Sequence[Hop],
    deviations: Sequence[Deviation] | None = None,
    memory: Memory | None = None,
) -> Expectation:
    """What a browser does with a page's request for ``url`` and the responses to it; Chromium without ``deviations``.

    ``memory`` is what it remembers of earlier answers to preflights, as ``new_memory`` begins it: nothing by default.
    Raises ValueError if a response is missing.
    """
    deviations = CHROMIUM if deviations is None else deviations
    memory = memory or new_memory(deviations)
    if any(deviation.forgets_null for deviation in deviations):
        memory.cache.forget_origin("null")
    for deviation in deviations:
        if deviation.refused(request):
            return Expectation(ResponseCheck(False, f"{deviation.browser} (section {deviation.section})"), ())
        request = deviation.sent(request)
    return Expectation(*follow(request, url, hops, rules_of(deviations), memory))


def new_memory(deviations: Sequence[Deviation] | None = None) -> Memory:
    """The memory of a browser that has asked for nothing yet."""
    deviations = CHROMIUM if deviations is None else deviations
    cache = PreflightCache(any(deviation.one_answer for deviation in deviations))
    return Memory(cache, forgets=not any(deviation.keeps_failures for deviation in deviations))


def rules_of(deviations: Sequence[Deviation]) -> Rules:
    """Several deviations together, each on what the one before makes of a request and its responses."""

    def view(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
        for deviation in deviations:
            request, hop = deviation.view(request, hop)
        return request, hop

    def redirected(request: PageRequest) -> PageRequest:
        for deviation in deviations:
            request = deviation.redirected(request)
        return request

    def passes_cache(request: PageRequest) -> bool:
        return any(deviation.passes_cache(request) for deviation in deviations)

    def locations(values: list[str]) -> list[str]:
        for deviation in deviations:
            values = deviation.locations(values)
        return values

    return Rules(
        view,
        redirected,
        passes_cache,
        locations,
        any(deviation.wildcard_covers_authorization for deviation in deviations),
        any(deviation.taint_passes_cache for deviation in deviations),
    )


def _with(request: PageRequest, headers: Sequence[tuple[str, str]]) -> PageRequest:
    return replace(request, headers=tuple(headers))


def _join_repeated(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    values: dict[str, list[str]] = {}
    for name, value in request.sent_headers:
        values.setdefault(name.lower(), []).append(value)
    return _with(request, [(name, ", ".join(lines)) for name, lines in values.items()]), hop


def _is_hint(name: str, value: str) -> bool:
    form = _HINTS.get(name.lower())
    return form is not None and len(value) <= 128 and form.fullmatch(value) is not None


def _safe_hints(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    headers = request.sent_headers
    safe = [field for field in headers if is_safelisted_header(*field) or _is_hint(*field)]
    if sum(len(value) for _, value in safe) > _MOST_BYTES:
        return _with(request, [(name, _UNSAFE if (name, value) in safe else value) for name, value in headers]), hop
    return _with(request, [field for field in headers if not _is_hint(*field)]), hop


def _large_ranges(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    def seen(name: str, value: str) -> str:
        numbers = [digits.lstrip("0") for digits in re.findall(r"[0-9]+", value)] if name.lower() == "range" else ()
        is_large = any(len(digits) > 19 or int(digits or 0) > _LARGEST_POSITION for digits in numbers)
        return _UNSAFE if is_large else value

    return _with(request, [(name, seen(name, value)) for name, value in request.headers]), hop


def _without(*names: str) -> Callable[[PageRequest], PageRequest]:
    def changed(request: PageRequest) -> PageRequest:
        return _with(request, [field for field in request.headers if field[0].lower() not in names])

    return changed


def _has(*names: str) -> Callable[[PageRequest], bool]:
    def answer(request: PageRequest) -> bool:
        return any(name.lower() in names for name, _ in request.sent_headers)

    return answer


def _negative_age(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    if hop.preflight is None:
        return request, hop
    status, headers = hop.preflight
    age = get(headers, "Access-Control-Max-Age")
    if age is None or not re.fullmatch(r"-[0-9]+", age, re.ASCII):
        return request, hop
    others = [field for field in headers if field[0].lower() != "access-control-max-age"]
    return request, replace(hop, preflight=(status, [*others, ("Access-Control-Max-Age", "0")]))


def _locations(locations: list[str]) -> list[str]:
    """Leave out one that is empty, and those that say again what the first says."""
    return [location for location in dict.fromkeys(locations) if location or len(set(locations)) > 1]


def _lenient_lines(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    preflight = hop.preflight and (hop.preflight[0], _lenient(hop.preflight[1]))
    return request, Hop(hop.status, _lenient(hop.headers), preflight)


def _lenient(headers: Headers) -> Headers:
    """Header lines as Chromium divides them: ends at a bare CR or LF, goes on after white space, trims names."""
    lines: list[str] = []
    for line in re.split(r"[\r\n]", "\n".join(f"{name}:{value}" for name, value in headers)):
        if lines and line[:1] in (" ", "\t"):
            lines[-1] += f" {line.strip(' ' + chr(9))}"
        else:
            lines.append(line)
    pairs = (line.partition(":") for line in lines)
    return [(name.rstrip(" \t"), value.strip(" \t")) for name, colon, value in pairs if colon and name.strip(" \t")]


CHROMIUM: tuple[Deviation, ...] = (
    Deviation(
        "lenient header lines",
        "RFC 9112, 2.2, 5.1 and 5.2",
        "a line ends with CR and LF, no white space stands before its colon, and none begins with white space",
        "a bare CR or LF ends a line too, white space before the colon is left out, and folded lines are joined",
        view=_lenient_lines,
    ),
    Deviation(
        "User-Agent",
        "2.2.2",
        "User-Agent is not a forbidden request-header: a script's own is sent, after a preflight",
        "a script's User-Agent is dropped in silence",
        sent=_without("user-agent"),
    ),
    Deviation(
        "Available-Dictionary",
        "2.2.2",
        "Available-Dictionary is not a forbidden request-header",
        "a request with a script's Available-Dictionary fails before anything is sent",
        refused=_has("available-dictionary"),
    ),
    Deviation(
        "repeated request headers",
        "2.2.2",
        "each line of a repeated request header is safelisted, and measured, by itself",
        "the lines are joined with a comma and a space first",
        view=_join_repeated,
    ),
    Deviation(
        "hints",
        "2.2.2",
        "only Accept, Accept-Language, Content-Language, Content-Type and Range are safelisted request-headers",
        "Device-Memory, Downlink and DPR with a decimal number, RTT, Viewport-Width and Width with an integer, ECT "
        "with slow-2g, 2g, 3g or 4g, Save-Data with on, and Intervention with any value are safelisted too",
        view=_safe_hints,
    ),
    Deviation(
        "large ranges",
        "2.2.2",
        "the numbers of a safelisted Range have any length",
        "they are below 2 to the 63rd, less one",
        view=_large_ranges,
    ),
    Deviation(
        "Authorization and the wildcard",
        "4.8",
        "an asterisk in Access-Control-Allow-Headers does not cover Authorization",
        "without credentials it does",
        wildcard_covers_authorization=True,
    ),
    Deviation(
        "negative Max-Age",
        "4.8",
        "a negative Access-Control-Max-Age is not valid: the answer is kept for 5 seconds",
        "it is kept for 0 seconds",
        view=_negative_age,
    ),
    Deviation(
        "Location",
        "2.2.6 and 4.5",
        "several Location headers are an error, and an empty one leads to the same URL",
        "identical ones are one, and an empty one does not redirect",
        locations=_locations,
    ),
    Deviation(
        "hints after a redirect",
        "4.5",
        "a redirect takes Authorization and the headers of a body from a request, and no others",
        "it takes Device-Memory, Downlink, DPR, ECT, RTT, Viewport-Width and Width too",
        redirected=_without(*(name for name in _HINTS if name not in ("intervention", "save-data"))),
    ),
    Deviation(
        "conditions and the cache",
        "4.4",
        "the cache of preflights is used whatever the headers of a request are",
        "it is passed by for If-Match, If-Modified-Since, If-None-Match, If-Range and If-Unmodified-Since",
        passes_cache=_has("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
    ),
    Deviation(
        "failures and the cache",
        "4.1",
        "a request that fails empties the cache of preflights for its URL",
        "the cache is kept",
        keeps_failures=True,
    ),
    Deviation(
        "one answer in the cache",
        "4.8",
        "the methods and headers of several answers for one URL add up in the cache of preflights",
        "only the latest answer is kept, and only until a request that it does not cover",
        one_answer=True,
    ),
    Deviation(
        "redirects between origins and the cache",
        "4.5 and 4.9",
        "the cache of preflights is used after a redirect from another origin to a third, too",
        "it is passed by from then on, and nothing is kept",
        taint_passes_cache=True,
    ),
    Deviation(
        "the origin null in the cache",
        "4.9",
        "answers to preflights of the origin null are kept as those of any other",
        "they are kept for the redirects of the same request alone",
        forgets_null=True,
    ),
)
