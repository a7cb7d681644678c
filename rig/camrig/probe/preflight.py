"""CORS preflights as a browser sends them."""

from __future__ import annotations

from collections.abc import Iterable


def preflight_headers(origin: str | None, method: str | None, headers: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The headers that a browser adds to a preflight (Fetch standard, CORS-preflight fetch, steps 2 to 5).

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
