"""What a page asks of a camera, one feature each: the same requests by the page and by this computer."""

from __future__ import annotations

from dataclasses import dataclass

from camrig.probe.fetch_cors import PageRequest

STATUS, CAPTURE, STREAM = "/api/status", "/capture", "/stream"
OWN_HEADER = "X-Camrig-View"


@dataclass(frozen=True)
class Feature:
    """``request`` is what a script passes to ``fetch()``, for ``path``; ``label`` says what it is for a reader."""

    key: str
    label: str
    path: str
    request: PageRequest


def features(origin: str) -> tuple[Feature, ...]:
    """What a page of ``origin`` tries, in this order."""
    own = (OWN_HEADER, "1")
    return (
        Feature("status", "fetch() of /api/status", STATUS, PageRequest(origin)),
        Feature(
            "picture", "<img crossorigin> of /capture, its pixels read from a canvas", CAPTURE, PageRequest(origin)
        ),
        Feature("stream", "fetch() of /stream, read by a script", STREAM, PageRequest(origin)),
        Feature("header", "a request with a header of its own", STATUS, PageRequest(origin, headers=(own,))),
        Feature("put", "PUT with a header of its own", STATUS, PageRequest(origin, "PUT", (own,))),
        Feature("credentials", "fetch() with cookies", STATUS, PageRequest(origin, credentials="include")),
    )
