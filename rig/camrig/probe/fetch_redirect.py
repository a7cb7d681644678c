"""Where a redirect leads a page's request, and whether the page may follow: hop by hop, as the Fetch standard does.

Pure functions, as in ``fetch_cors``. Every hop of a request that has left its page's origin is checked, the redirects
themselves included, and each that needs a preflight request has one of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urljoin, urlsplit

from camrig.probe.fetch_cors import (
    CorsCheck,
    Headers,
    ResponseCheck,
    check_preflight,
    check_response,
    needs_preflight,
)
from camrig.probe.fetch_request import PageRequest, normalize

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 20  # section 4.5, "if request's redirect count is 20"
_PORTS = {"http": 80, "https": 443}
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
    """The request that follows a redirect, and its URL."""

    request: PageRequest
    url: str


def origin_of(url: str) -> str:
    """The origin of an http(s) URL, serialized. Raises ValueError for a URL with a port that is not one."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def redirect(request: PageRequest, url: str, hop: Hop) -> Redirected | CorsCheck | None:
    """What follows the response to ``request`` for ``url``: a request, a refusal, or None if it does not redirect."""
    if hop.status not in REDIRECTS:
        return None
    locations = [normalize(value) for name, value in hop.headers if name.lower() == "location"]
    if not locations:
        return None
    if len(locations) > 1:
        return CorsCheck(False, f"{_NETWORK_ERROR}there are {len(locations)} Location headers")
    try:
        target = urljoin(url, locations[0])
        parts, there, here = urlsplit(target), origin_of(target), origin_of(url)
    except ValueError:
        return CorsCheck(False, f"{_NETWORK_ERROR}Location is not a URL")
    if refusal := _refusal(parts):
        return CorsCheck(False, _NETWORK_ERROR + refusal)
    headers = request.headers
    method = request.sent_method
    if (hop.status in (301, 302) and method == "POST") or (hop.status == 303 and method not in ("GET", "HEAD")):
        method = "GET"
        headers = tuple(header for header in headers if header[0].lower() not in _BODY_HEADERS)
    if there != here:
        headers = tuple(header for header in headers if header[0].lower() != "authorization")
    # The origin is tainted by a redirect from one foreign origin to another (section 2.2.5, "tainted origin flag").
    origin = "null" if there != here and request.origin != here else request.origin
    return Redirected(replace(request, origin=origin, method=method, headers=headers), target)


def _refusal(parts: SplitResult) -> str:
    if parts.scheme not in _PORTS:
        return f"{parts.scheme or 'nothing'} is not the scheme of a page's request"
    if parts.username is not None or parts.password is not None:
        return "a URL with a user's name or password in it is not followed to another origin"
    return ""


def check_redirects(request: PageRequest, url: str, hops: Sequence[Hop]) -> ResponseCheck:
    """What the page sees of the last of ``hops``, the responses in order; it asked another origin for ``url``.

    Raises ValueError if a hop or the answer to a preflight request is missing, or a hop is one too many.
    """
    for number, hop in enumerate(hops):
        if needs_preflight(request):
            if hop.preflight is None:
                raise ValueError(f"the request for {url} needs the answer to a preflight request")
            allowed = check_preflight(request, *hop.preflight)
            if not allowed:
                return ResponseCheck(False, allowed.reason)
        check = check_response(request, hop.headers, hop.status)
        if not check.allowed:
            return check
        following = redirect(request, url, hop)
        if isinstance(following, CorsCheck):
            return ResponseCheck(False, following.reason)
        if following is None:
            if number < len(hops) - 1:
                raise ValueError(f"the response of {url} does not redirect")
            return check
        if number >= MOST_REDIRECTS:
            return ResponseCheck(False, f"{_NETWORK_ERROR}there are more than {MOST_REDIRECTS} redirects")
        request, url = following.request, following.url
    raise ValueError(f"the response of {url} is missing")
