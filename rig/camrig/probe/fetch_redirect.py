"""Where a redirect leads a page's request, and whether the page may follow: hop by hop, as the Fetch standard does.

Pure functions, as in ``fetch_cors``. Every hop of a request that has left its page's origin is checked, the redirects
themselves included, and each that needs a preflight request has one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from camrig.probe.fetch_cors import (
    CorsCheck,
    Headers,
    ResponseCheck,
    check_preflight,
    check_response,
    needs_preflight,
    unsafe_header_names,
)
from camrig.probe.fetch_request import PageRequest, normalize
from camrig.probe.fetch_url import PORTS, Url, parse_url
from camrig.probe.preflight_cache import PreflightCache

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 20  # section 4.5, "if request's redirect count is 20"
_BODY_HEADERS = ("content-encoding", "content-language", "content-location", "content-type")
_NETWORK_ERROR = "HTTP-redirect fetch (section 4.5): "


@dataclass(frozen=True)
class Hop:
    """A response on the way; ``preflight`` is the answer to the preflight request before it: status and headers."""

    status: int
    headers: Headers
    preflight: tuple[int, Headers] | None = None


@dataclass(frozen=True)
class Redirected:
    """The request that follows a redirect, and its URL; ``tainted``: it led from a foreign origin to another."""

    request: PageRequest
    url: str
    tainted: bool = False


def origin_of(url: str) -> str:
    """The origin of an http(s) URL, serialized. Raises ValueError for what is not a URL."""
    return parse_url(url).origin


def _locations_as_they_are(locations: list[str]) -> list[str]:
    return locations


def redirect(
    request: PageRequest,
    url: str,
    hop: Hop,
    counted: Callable[[list[str]], list[str]] = _locations_as_they_are,
) -> Redirected | CorsCheck | None:
    """What follows the response to ``request`` for ``url``: a request, a refusal, or None if it does not redirect.

    ``counted`` says which of the values of Location count; all of them by the standard.
    """
    if hop.status not in REDIRECTS:
        return None
    locations = counted([normalize(value) for name, value in hop.headers if name.lower() == "location"])
    if not locations:
        return None
    if len(locations) > 1:
        return CorsCheck(False, f"{_NETWORK_ERROR}there are {len(locations)} Location headers")
    try:
        target = parse_url(locations[0], url)
    except ValueError:
        return CorsCheck(False, f"{_NETWORK_ERROR}Location is not a URL")
    here = origin_of(url)
    if refusal := _refusal(target):
        return CorsCheck(False, _NETWORK_ERROR + refusal)
    headers = request.headers
    method = request.sent_method
    if (hop.status in (301, 302) and method == "POST") or (hop.status == 303 and method not in ("GET", "HEAD")):
        method = "GET"
        headers = tuple(header for header in headers if header[0].lower() not in _BODY_HEADERS)
    if target.origin != here:
        headers = tuple(header for header in headers if header[0].lower() != "authorization")
    # A redirect from one foreign origin to another taints the request (section 2.2.5, "redirect-taint").
    tainted = target.origin != here and request.origin != here
    origin = "null" if tainted else request.origin
    return Redirected(replace(request, origin=origin, method=method, headers=headers), target.text, tainted)


def _refusal(target: Url) -> str:
    if target.scheme not in PORTS:
        return f"{target.scheme or 'nothing'} is not the scheme of a page's request"
    if target.has_credentials:
        return "a URL with a user's name or password in it is not followed to another origin"
    return ""


@dataclass(frozen=True)
class Step:
    """A request on the way: a preflight, with the names of the headers that it asks for, or an actual one."""

    request: PageRequest
    url: str
    preflight: bool = False
    names: tuple[str, ...] = ()


def _hop_as_it_is(request: PageRequest, hop: Hop) -> tuple[PageRequest, Hop]:
    return request, hop


def _request_as_it_is(request: PageRequest) -> PageRequest:
    return request


def _never(request: PageRequest) -> bool:
    return False


@dataclass(frozen=True)
class Rules:
    """How a browser leaves the standard; none does by default.

    ``view`` turns a request and the responses to it into those for which the standard answers as the browser does,
    ``redirected`` is what is left of a request after a redirect, ``passes_cache`` whether it has a preflight in any
    case, ``taint_passes_cache`` whether each has that a tainting redirect led to, ``locations`` is as in
    ``redirect``, and ``wildcard_covers_authorization`` as in ``check_preflight``.
    """

    view: Callable[[PageRequest, Hop], tuple[PageRequest, Hop]] = _hop_as_it_is
    redirected: Callable[[PageRequest], PageRequest] = _request_as_it_is
    passes_cache: Callable[[PageRequest], bool] = _never
    locations: Callable[[list[str]], list[str]] = _locations_as_they_are
    wildcard_covers_authorization: bool = False
    taint_passes_cache: bool = False


STANDARD = Rules()


@dataclass
class Memory:
    """A cache of preflights, the time, and whether a request that fails empties it (section 4.1)."""

    cache: PreflightCache
    now: float = 0.0
    forgets: bool = True


def follow(
    request: PageRequest,
    url: str,
    hops: Sequence[Hop],
    rules: Rules = STANDARD,
    memory: Memory | None = None,
) -> tuple[ResponseCheck, tuple[Step, ...]]:
    """What the page sees of the last response, and every request that is sent on the way; hops after it are left out.

    Raises ValueError if a hop or the answer to a preflight request is missing.
    """
    steps: list[Step] = []
    memory = memory or Memory(PreflightCache())
    tainted = False
    for number, hop in enumerate(hops):
        seen_request, seen = rules.view(request, hop)
        passes = rules.passes_cache(seen_request) or (tainted and rules.taint_passes_cache)
        check = _hop(Step(request, url), seen_request, seen, rules, memory, steps, passes)
        following = redirect(request, url, seen, rules.locations) if check.allowed else None
        if number >= MOST_REDIRECTS and isinstance(following, Redirected):
            following = CorsCheck(False, f"{_NETWORK_ERROR}there are more than {MOST_REDIRECTS} redirects")
        if isinstance(following, CorsCheck):
            check = ResponseCheck(False, following.reason)
        if not isinstance(following, Redirected):
            if not check.allowed and memory.forgets and needs_preflight(seen_request):
                memory.cache.clear(request, url)
            return check, tuple(steps)
        request, url = rules.redirected(following.request), following.url
        tainted = tainted or following.tainted
    raise ValueError(f"the response of {url} is missing")


def _hop(
    step: Step,
    seen_request: PageRequest,
    seen: Hop,
    rules: Rules,
    memory: Memory,
    steps: list[Step],
    passes: bool,
) -> ResponseCheck:
    """One request, after its preflight where it needs one; what is sent is added to ``steps``.

    ``passes``: the cache does not count.
    """
    url = step.url
    if needs_preflight(seen_request) and (passes or not memory.cache.covers(seen_request, url, memory.now)):
        if seen.preflight is None:
            raise ValueError(f"the request for {url} needs the answer to a preflight request")
        names = unsafe_header_names(seen_request.sent_headers)
        steps += [replace(step, preflight=True, names=names)] * _times(seen.preflight[0])
        covers = rules.wildcard_covers_authorization
        allowed = check_preflight(seen_request, *seen.preflight, wildcard_covers_authorization=covers)
        if not allowed:
            return ResponseCheck(False, allowed.reason)
        memory.cache.store(seen_request, url, allowed, memory.now)
    steps += [step] * _times(seen.status)
    return check_response(seen_request, seen.headers, seen.status)


def _times(status: int) -> int:
    """How often a request is sent that is answered in this way: 421 asks for another connection (section 4.6)."""
    return 2 if status == 421 else 1


def check_redirects(request: PageRequest, url: str, hops: Sequence[Hop]) -> ResponseCheck:
    """What the page sees of the last of ``hops``, the responses in order; it asked another origin for ``url``.

    Raises ValueError if a hop or the answer to a preflight request is missing, or a hop is one too many.
    """
    check, steps = follow(request, url, hops)
    if check.allowed and sum(not step.preflight for step in steps) < len(hops):
        raise ValueError(f"the response of {steps[-1].url} does not redirect")
    return check
