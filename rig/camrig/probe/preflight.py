"""CORS preflights: as the Fetch standard has them, and as a browser sends them."""

from __future__ import annotations

from collections.abc import Iterable

CHROMIUM = "156.0.8078.108"  # what was recorded
# Over plain HTTP to other than loopback it leaves out Sec-Fetch-Site, Sec-Fetch-Dest, br and zstd. The costs that are
# measured are of the longer form.
_OF_CHROMIUM = (
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    ),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Dest", "empty"),
)
_ENDING = (("Accept-Encoding", "gzip, deflate, br, zstd"), ("Accept-Language", "en-US,en;q=0.9"))


def preflight_headers(origin: str | None, method: str | None, headers: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The headers that the Fetch standard gives a preflight (CORS-preflight fetch, steps 2 to 5).

    ``headers`` are the names of the unsafe request headers: sent in lower case, sorted, joined by commas alone.
    """
    fields = [("Accept", "*/*")]
    if method is not None:
        fields.append(("Access-Control-Request-Method", method))
    names = sorted({name.lower() for name in headers})
    if names:
        fields.append(("Access-Control-Request-Headers", ",".join(names)))
    if origin is not None:
        fields.append(("Origin", origin))
    return fields


def browser_preflight_headers(origin: str, method: str, headers: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The headers of the same preflight from Chromium, in its order, but for ``Host``, which a client adds.

    A page over HTTPS does not tell a server over HTTP where it is: it sends no ``Referer``.
    """
    fields = [("Connection", "keep-alive"), *preflight_headers(origin, method, headers), *_OF_CHROMIUM]
    if origin.startswith("http:"):
        fields.append(("Referer", f"{origin}/"))
    return [*fields, *_ENDING]
