"""Costs added to one kind of request each, as data: time, bytes that are freed, bytes that stay.

A cost that a cache causes once, because it fills and stops, is not a fault: see ``harmless_changes``.
"""

from __future__ import annotations

from camrig.prove.fault_code import NAMES, ORIGIN, PREFLIGHT
from camrig.prove.faulty_copy import Change, Fault

_LISTED = f"{ORIGIN} in (self.allowed_origins or '')"
_ACTUAL = "request.method != 'OPTIONS'"
_FIRST = "the first request"

REQUESTS = {
    "every request": "True",
    "preflights": PREFLIGHT,
    "allowed preflights": f"{PREFLIGHT} and {_LISTED}",
    "refused preflights": f"{PREFLIGHT} and not {_LISTED}",
    "preflights with headers": f"{PREFLIGHT} and {NAMES}",
    "preflights without headers": f"{PREFLIGHT} and not {NAMES}",
    "actual requests": _ACTUAL,
    "allowed actual requests": f"{_ACTUAL} and {ORIGIN} and {_LISTED}",
    "refused actual requests": f"{_ACTUAL} and {ORIGIN} and not {_LISTED}",
    "requests without an origin": f"{_ACTUAL} and not {ORIGIN}",
    "errors": "response.status_code >= 400",
    "pictures": "'image/jpeg' in str(response.headers.get('Content-Type'))",
    "streams": "'multipart' in str(response.headers.get('Content-Type'))",
    _FIRST: "_COUNT[0] == 1",
    "every 7th request": "_COUNT[0] % 7 == 0",
    "requests at once": "_COUNT[1]",
}

# What a request costs more. The first of each kind is put on every kind of request, the others on a few.
COSTS = {
    "time": {
        "a third of a preflight": "for _ in range(700): pass",
        "much": "for _ in range(10000): pass",
    },
    "bytes": {
        "256 B": "bytearray(256)",
        "64 B": "bytearray(32)",
        "4 KiB": "bytearray(4096)",
    },
    "leaks": {
        "16 B": "_KEPT.append(bytearray(16))",
        "8 B": "_KEPT.append(None)",
        "a dict entry for each origin": f"_SEEN[{ORIGIN}] = True",
        "a cache without bound": f"_SEEN[{NAMES}] = ({ORIGIN}, {NAMES})",
        "a text that grows": "_KEPT[:] = [(_KEPT or [''])[0] + '................']",
    },
}
_OTHER_COSTS_ON = ("every request", "preflights", "actual requests")
# These keep what is new in a request. Only preflights of pages that were not seen before have something.
_NEEDS_NEW_REQUESTS = ("a dict entry for each origin", "a cache without bound")
_NEW_REQUESTS_ON = ("every request", "preflights", "refused preflights")

# Only requests that go through the library are counted, not those of the rig's agent. The baseline counts, too, so
# that the cost alone is the difference. Counting allocates nothing: the integers are small, the list has its size.
_COUNTS = "_COUNT = [0, 0]\n_KEPT = []\n_SEEN = {}"
_COUNTING = "_COUNT[0] = _COUNT[0] + 1 & 0xffff\nif {condition}:\n    {cost}"
# While a response is sent, other requests are served: the second count is of the responses that are being sent.
_SENDING = """


def _count_while_sent(response):
    write = response.write

    async def counted(stream):
        _COUNT[1] += 1
        try:
            await write(stream)
        finally:
            _COUNT[1] -= 1

    response.write = counted"""


def _counting(request: str, cost: str) -> Change:
    code = _COUNTING.format(condition=REQUESTS[request], cost=cost)
    if request == "requests at once":
        return Change(_COUNTS + _SENDING, after_response=code + "\n_count_while_sent(response)")
    return Change(_COUNTS, code)


def _requests_of(kind: str, cost: str, is_first: bool) -> tuple[str, ...]:
    if cost in _NEEDS_NEW_REQUESTS:
        return _NEW_REQUESTS_ON
    if not is_first:
        return _OTHER_COSTS_ON
    return tuple(name for name in REQUESTS if kind != "leaks" or name != _FIRST)


_ON_REQUESTS = tuple(
    Fault(kind, f"{kind}: {name}, {request}", _counting(request, code), baseline=_counting(request, "pass"))
    for kind, costs in COSTS.items()
    for place, (name, code) in enumerate(costs.items())
    for request in _requests_of(kind, name, place == 0)
)

# What is kept once stays for good, but does not grow: bytes, not a leak.
COST_FAULTS = (
    *_ON_REQUESTS,
    Fault("time", "time: the import", Change("for _ in range(20000): pass")),
    Fault("bytes", "bytes: 1 KiB kept from the import on", Change("_TABLE = bytearray(1024)")),
    Fault("bytes", "bytes: 4 KiB kept from the import on", Change("_TABLE = bytearray(4096)")),
    Fault(
        "bytes",
        f"bytes: 1 KiB kept from {_FIRST} on",
        _counting(_FIRST, "_KEPT.append(bytearray(1024))"),
        baseline=_counting(_FIRST, "pass"),
    ),
)
