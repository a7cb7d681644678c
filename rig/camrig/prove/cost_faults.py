"""Costs added to one kind of request each, and changes that cost and alter nothing, as data."""

from __future__ import annotations

from camrig.prove.faulty_copy import Change, Fault

_PREFLIGHT = "request.method == 'OPTIONS' and request.headers.get('Access-Control-Request-Method')"
_LISTED = "request.headers.get('Origin', '') in (self.allowed_origins or '')"
_NAMES = "request.headers.get('Access-Control-Request-Headers')"
_ACTUAL = "request.method != 'OPTIONS'"

REQUESTS = {
    "every request": "True",
    "preflights": _PREFLIGHT,
    "allowed preflights": f"{_PREFLIGHT} and {_LISTED}",
    "refused preflights": f"{_PREFLIGHT} and not {_LISTED}",
    "preflights with headers": f"{_PREFLIGHT} and {_NAMES}",
    "preflights without headers": f"{_PREFLIGHT} and not {_NAMES}",
    "actual requests": _ACTUAL,
    "allowed actual requests": f"{_ACTUAL} and request.headers.get('Origin') and {_LISTED}",
    "refused actual requests": f"{_ACTUAL} and request.headers.get('Origin') and not {_LISTED}",
    "requests without an origin": f"{_ACTUAL} and not request.headers.get('Origin')",
    "errors": "response.status_code >= 400",
    "pictures": "'image/jpeg' in str(response.headers.get('Content-Type'))",
    "streams": "'multipart' in str(response.headers.get('Content-Type'))",
    "the first request": "_COUNT[0] == 1",
    "every 7th request": "_COUNT[0] % 7 == 0",
    "requests at once": "_COUNT[1] > 1",
}

# What a request of that kind costs more: a loop, bytes that are freed, bytes that stay.
COSTS = {
    "time": "for _ in range(3000): pass",
    "bytes": "bytearray(256)",
    "leaks": "_KEPT.append(bytearray(16))",
}

_COUNTS = "_COUNT = [0, 0]\n_KEPT = []\n\n\ndef _arrive(request):\n    _COUNT[1] += 1"
_INITIALIZE = (
    "\ndef initialize(self, app, handle_cors=True):\n"
    "    super().initialize(app, handle_cors)\n"
    "    if _arrive not in app.before_request_handlers:\n        app.before_request(_arrive)"
)
# Its own counts must allocate nothing: the integers are small, the list has its size.
_COUNTING = "_COUNT[0] += 1\nif {condition}:\n    {cost}\n_COUNT[1] = max(0, _COUNT[1] - 1)"

_AT_IMPORT = {
    "time": "for _ in range(300000): pass",
    "bytes": "_PEAK = bytearray(4096)\ndel _PEAK",
    "leaks": "_KEPT = bytearray(4096)",
}


def _counting(condition: str, cost: str) -> Change:
    return Change(_COUNTS, _COUNTING.format(condition=condition, cost=cost), methods=_INITIALIZE)


COST_FAULTS = tuple(
    Fault(kind, f"{kind}: {request}", _counting(condition, cost), baseline=_counting(condition, "pass"))
    for kind, cost in COSTS.items()
    for request, condition in REQUESTS.items()
) + tuple(Fault(kind, f"{kind}: import", Change(code)) for kind, code in _AT_IMPORT.items())

_HARMLESS = {
    "a comment": Change("# The end."),
    "a subclass": Change(),
    "an unused method": Change(methods="\ndef unused(self):\n    return None"),
    "an unused function": Change("def _unused(value):\n    return value"),
    "an unused constant": Change("_UNUSED = 1"),
    "another name for the class": Change("_Base = CORS"),
    "a class attribute": Change(methods="\nunused = None"),
    "a method that calls the library's": Change(
        methods="\ndef get_cors_headers(self, request):\n    return super().get_cors_headers(request)"
    ),
}
HARMLESS_CHANGES = tuple(Fault("harmless", name, change) for name, change in _HARMLESS.items())
