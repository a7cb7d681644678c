"""Whether a browser lets a page make a cross-origin request and read the response: the Fetch standard's CORS check.

Pure functions after https://fetch.spec.whatwg.org/ over the raw headers of a response: a list of (name, value) pairs
in the order received, duplicates included. Nothing is fetched here, and no server is assumed. Section numbers are
those of the standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from camrig.probe.fetch_request import HTTP_WHITESPACE, TOKEN, PageRequest, normalize
from camrig.probe.preflight import preflight_headers

Headers = Sequence[tuple[str, str]]

DEFAULT_MAX_AGE = 5  # seconds, section 4.8, step 7.9
MAX_AGE_LIMIT = 7200  # seconds, step 7.10: the lowest limit of the common browsers (Chromium)

_SAFE_METHODS = ("GET", "HEAD", "POST")
_SAFE_ESSENCES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_SAFE_RESPONSE_HEADERS = frozenset(
    ("cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma")
)
_FORBIDDEN_RESPONSE_HEADERS = frozenset(("set-cookie", "set-cookie2"))
_UNSAFE_BYTES = frozenset('"():<>?@[\\]{}\x7f' + "".join(map(chr, range(0x20)))) - {"\t"}
_LANGUAGE_BYTES = re.compile(r"[0-9A-Za-z *,\-.;=]*\Z")
_SIMPLE_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)\Z")


@dataclass(frozen=True)
class CorsCheck:
    """The result of a check; ``reason`` names the step of the standard that decided."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class PreflightCheck(CorsCheck):
    """What the answer to a preflight request allows; it may be cached for ``max_age`` seconds."""

    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    max_age: int = DEFAULT_MAX_AGE


@dataclass(frozen=True)
class ResponseCheck(CorsCheck):
    """What a page sees of a response: ``exposed`` are the headers it may read, in lower case and sorted."""

    exposed: tuple[str, ...] = ()


class _Failure:
    """A header that does not match its grammar (section 2.2.2, "extract header list values")."""


FAILURE = _Failure()


def get(headers: Headers, name: str) -> str | None:
    """All values of a header, joined as section 2.2.2 "get" does, or ``None``."""
    values = [normalize(value) for key, value in headers if key.lower() == name.lower()]
    return ", ".join(values) if values else None


def extract_tokens(headers: Headers, name: str) -> tuple[str, ...] | _Failure | None:
    """The tokens of a list header; ``None`` without the header, ``FAILURE`` if a line is not a list of tokens.

    Empty elements are skipped, as RFC 9110, section 5.6.1.2, requires of a recipient.
    """
    text = get(headers, name)
    if text is None:
        return None
    parts = [part.strip("\t ") for part in text.split(",")]
    tokens = tuple(part for part in parts if part)
    return tokens if all(TOKEN.match(token) for token in tokens) else FAILURE


def extract_max_age(headers: Headers, limit: int = MAX_AGE_LIMIT) -> int:
    """Seconds for which a preflight answer is cached: 5 without a valid value, never more than ``limit``."""
    values = [normalize(value) for key, value in headers if key.lower() == "access-control-max-age"]
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        return min(DEFAULT_MAX_AGE, limit)
    # Python does not convert thousands of digits; a number of that length is above the limit.
    digits = values[0].lstrip("0") or "0"
    return limit if len(digits) > 18 else min(int(digits), limit)


def is_safelisted_method(method: str) -> bool:
    """Section 2.2.1, "CORS-safelisted method"."""
    return method in _SAFE_METHODS


def is_safelisted_header(name: str, value: str) -> bool:
    """Section 2.2.2, "CORS-safelisted request-header"."""
    if len(value) > 128:
        return False
    name = name.lower()
    if name == "accept":
        return not _UNSAFE_BYTES.intersection(value)
    if name in ("accept-language", "content-language"):
        return _LANGUAGE_BYTES.match(value) is not None
    if name == "content-type":
        essence = value.split(";")[0].strip(HTTP_WHITESPACE).lower()
        return not _UNSAFE_BYTES.intersection(value) and essence in _SAFE_ESSENCES
    if name == "range":
        match = _SIMPLE_RANGE.match(value)
        return match is not None and (not match[2] or int(match[1]) <= int(match[2]))
    return False


def unsafe_header_names(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Section 2.2.2, "CORS-unsafe request-header names": lower case, sorted, each once.

    Safelisted headers count as unsafe too once their values exceed 1,024 bytes together.
    """
    unsafe: set[str] = set()
    safelisted: set[str] = set()
    size = 0
    for name, value in headers:
        if is_safelisted_header(name, value):
            safelisted.add(name.lower())
            size += len(value)
        else:
            unsafe.add(name.lower())
    return tuple(sorted(unsafe | safelisted if size > 1024 else unsafe))


def needs_preflight(request: PageRequest) -> bool:
    """Section 4.4, HTTP fetch: whether an unsafe method or header requires a preflight request."""
    return not is_safelisted_method(request.sent_method) or bool(unsafe_header_names(request.sent_headers))


def preflight_of(request: PageRequest) -> list[tuple[str, str]]:
    """The headers of a browser's preflight request (section 4.8, steps 1 to 5)."""
    return preflight_headers(request.origin, request.sent_method, unsafe_header_names(request.sent_headers))


def cors_check(request: PageRequest, headers: Headers) -> CorsCheck:
    """Section 4.10, "CORS check"."""
    origin = get(headers, "Access-Control-Allow-Origin")
    if origin is None:
        return CorsCheck(False, "CORS check, step 2: there is no Access-Control-Allow-Origin")
    include = request.credentials == "include"
    if not include and origin == "*":
        return CorsCheck(True, "CORS check, step 3: any origin, without credentials")
    if origin != request.origin:
        return CorsCheck(
            False, f"CORS check, step 4: Access-Control-Allow-Origin is {origin!r}, not {request.origin!r}"
        )
    if not include:
        return CorsCheck(True, "CORS check, step 5: the origin matches, without credentials")
    if get(headers, "Access-Control-Allow-Credentials") == "true":
        return CorsCheck(True, "CORS check, step 7: the origin matches, with credentials")
    return CorsCheck(False, "CORS check, step 8: credentials are not allowed")


def check_preflight(
    request: PageRequest,
    status: int,
    headers: Headers,
    *,
    limit: int = MAX_AGE_LIMIT,
    wildcard_covers_authorization: bool = False,
) -> PreflightCheck:
    """Section 4.8, "CORS-preflight fetch", step 7, on the answer to a preflight request.

    ``limit`` is the browser's own limit to ``max_age``, in seconds. That a wildcard covers Authorization where there
    are no credentials is not in the standard.
    """
    check = cors_check(request, headers)
    if not check.allowed:
        return PreflightCheck(False, f"CORS-preflight fetch, step 7: {check.reason}")
    if not 200 <= status <= 299:
        return PreflightCheck(False, f"CORS-preflight fetch, step 7: {status} is not an ok status")
    methods = extract_tokens(headers, "Access-Control-Allow-Methods")
    names = extract_tokens(headers, "Access-Control-Allow-Headers")
    if isinstance(methods, _Failure) or isinstance(names, _Failure):
        which = "Methods" if isinstance(methods, _Failure) else "Headers"
        return PreflightCheck(
            False, f"CORS-preflight fetch, step 7.3: Access-Control-Allow-{which} is not a list of tokens"
        )
    methods = methods or ()
    lower = {name.lower() for name in names or ()}
    include = request.credentials == "include"
    method = request.sent_method
    if method not in methods and not is_safelisted_method(method) and (include or "*" not in methods):
        return PreflightCheck(False, f"CORS-preflight fetch, step 7.5: method {method} is not allowed")
    # A wildcard does not cover Authorization (section 2.2.2, "CORS non-wildcard request-header name").
    is_covered = wildcard_covers_authorization and not include and "*" in lower
    for name, _ in request.sent_headers:
        if name.lower() == "authorization" and "authorization" not in lower and not is_covered:
            return PreflightCheck(False, "CORS-preflight fetch, step 7.6: header authorization is not allowed")
    for name in unsafe_header_names(request.sent_headers):
        if name not in lower and (include or "*" not in lower):
            return PreflightCheck(False, f"CORS-preflight fetch, step 7.7: header {name} is not allowed")
    return PreflightCheck(
        True,
        "CORS-preflight fetch, step 7: allowed",
        methods=methods,
        headers=tuple(sorted(lower)),
        max_age=extract_max_age(headers, limit),
    )


def exposed_names(request: PageRequest, headers: Headers) -> tuple[str, ...]:
    """Which headers of a response the page may read (section 4.1, main fetch; 2.2.6, CORS filtered response)."""
    present = {name.lower() for name, _ in headers}
    listed = extract_tokens(headers, "Access-Control-Expose-Headers")
    exposed: set[str] = set()
    if isinstance(listed, tuple):
        exposed = {name.lower() for name in listed}
        if "*" in exposed and request.credentials != "include":
            exposed = present
    return tuple(sorted(present & (exposed | _SAFE_RESPONSE_HEADERS) - _FORBIDDEN_RESPONSE_HEADERS))


def check_response(request: PageRequest, headers: Headers, status: int = 200) -> ResponseCheck:
    """What the page sees of the response to its actual request: any status but 407, which is for a proxy to send.

    A status below 200 never comes last: the connection ended before the response. 0 stands for no response at all.
    """
    if status < 200:
        return ResponseCheck(False, f"HTTP-network fetch (section 4.7): {status or 'nothing'} is not a response")
    if status == 407:
        return ResponseCheck(False, "HTTP-network-or-cache fetch (section 4.6): status 407 without a proxy")
    check = cors_check(request, headers)
    return ResponseCheck(check.allowed, check.reason, exposed_names(request, headers) if check.allowed else ())


def check_exchange(
    request: PageRequest, response: Headers, preflight: tuple[int, Headers] | None = None, status: int = 200
) -> ResponseCheck:
    """Check the answer to the preflight request, as (status, headers), and then the response.

    Raises ``ValueError`` if a preflight request is required and ``preflight`` is missing.
    """
    if needs_preflight(request):
        if preflight is None:
            raise ValueError(f"a {request.sent_method} with these headers needs the answer to a preflight request")
        check = check_preflight(request, *preflight)
        if not check.allowed:
            return ResponseCheck(False, check.reason)
    return check_response(request, response, status)
