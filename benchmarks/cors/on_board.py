"""Measures CORS classes inside MicroPython: one line of JSON for each figure.

Run by ``benchmarks/cors_cost.py`` in a tree that holds the ``microdot`` package with ``cors.mpy`` (ours) and
``cors_upstream.mpy`` (the one that Microdot ships). ``bytes MODULE`` measures one of them, in a process of its own,
because names that one has interned cost the other nothing. ``times`` lets them take turns.
"""

import gc
import json
import sys
import time

from microdot.microdot import Microdot, NoCaseDict, Request

CALLS = 1000
ORIGIN = "http://cameras.example.org"
LISTED = {"allowed_origins": [ORIGIN, "https://other.example.org"]}
FULL = {"allow_credentials": True, "max_age": 600}
EXPOSE = {"expose_headers": ["X-Frame-Number", "X-Frame-Time"]}
NAMES = "content-type,x-frame-size"
ASK = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": NAMES}


def merged(*parts):
    made = {}
    for part in parts:
        made.update(part)
    return made


LIST_POLICY = merged(LISTED, FULL, {"allowed_headers": ["Content-Type", "X-Frame-Size"]})
CASES = (
    ("no Origin, list", LISTED, "GET", {"Host": "board"}),
    ("allowed origin, simple request", LISTED, "GET", {"Origin": ORIGIN}),
    ("same, two exposed headers", merged(LISTED, EXPOSE), "GET", {"Origin": ORIGIN}),
    ("preflight, header list, two requested", LIST_POLICY, "OPTIONS", ASK),
    ("preflight, echo", merged(LISTED, FULL), "OPTIONS", ASK),
    ("'*' with Origin", {"allowed_origins": "*"}, "GET", {"Origin": ORIGIN}),
    ("'*' without Origin", {"allowed_origins": "*"}, "GET", {"Host": "board"}),
)


def make(method, headers):
    return Request(None, None, method, "/", "1.0", NoCaseDict(headers))


def call_bytes(cls, policy, method, headers, calls=CALLS, warm=True):
    """Bytes per call of ``get_cors_headers``, each on a request of its own, with the collector off."""
    call = cls(**policy).get_cors_headers
    requests = [make(method, headers) for _ in range(calls)]
    if warm:
        call(make(method, headers))
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for request in requests:
        call(request)
    after = gc.mem_alloc()
    gc.enable()
    return (after - before) / calls


def first_bytes(cls, names, policy):
    """The most that one first call allocates for header names that were never seen before."""
    return call_bytes(cls, policy, "OPTIONS", merged(ASK, {"Access-Control-Request-Headers": names}), 1, False)


def microseconds(cls, policy, method, headers, calls=500):
    """Per call of ``get_cors_headers``, each on a request of its own."""
    call = cls(**policy).get_cors_headers
    requests = [make(method, headers) for _ in range(calls)]
    gc.collect()
    call(make(method, headers))
    gc.disable()
    start = time.ticks_us()
    for request in requests:
        call(request)
    spent = time.ticks_diff(time.ticks_us(), start)
    gc.enable()
    return spent / calls


def ratio(ours, upstream, case, rounds=20):
    """Median ratio of rounds in which the two take turns in going first."""
    figures = []
    for number in range(rounds):
        if number % 2:
            time_of_ours = microseconds(ours, *case)
            time_of_upstream = microseconds(upstream, *case)
        else:
            time_of_upstream = microseconds(upstream, *case)
            time_of_ours = microseconds(ours, *case)
        figures.append(time_of_ours / time_of_upstream)
    return sorted(figures)[rounds // 2]


class Reader:
    def __init__(self, data):
        self.lines = data.split(b"\n")
        self.next = 0

    async def readline(self):
        self.next += 1
        return self.lines[self.next - 1] + b"\n"


class Writer:
    def get_extra_info(self, name):
        return ("127.0.0.1", 1)

    async def awrite(self, data):
        pass

    async def aclose(self):
        pass


def request_bytes(cls, policy, method, headers, calls=100):
    """Bytes that one whole request allocates, from its first byte read to its last byte written."""
    app = Microdot()

    @app.get("/")
    def index(request):
        return "ok"

    if cls:
        cls(app, **policy)
    data = method + " / HTTP/1.1\r\nHost: board\r\n"
    for name, value in headers:
        data += name + ": " + value + "\r\n"
    readers = [Reader(data.encode() + b"\r\n") for _ in range(calls + 3)]
    writer = Writer()
    gc.collect()
    gc.disable()
    for number in range(calls + 3):
        if number == 3:
            before = gc.mem_alloc()
        serving = app.handle_request(readers[number], writer)
        try:
            serving.send(None)
            raise RuntimeError("the application waits")
        except StopIteration:
            pass
    after = gc.mem_alloc()
    gc.enable()
    return (after - before) / calls


def cors_class(module):
    return getattr(__import__("microdot." + module), module).CORS


def print_bytes(cls):
    with open("browser_preflight.json") as f:
        from_browser = json.load(f)  # headers of the same preflight request, as pairs
    for label, policy, method, headers in CASES:
        print(json.dumps([label, call_bytes(cls, policy, method, headers)]))
    for label, names in (
        ("first 2 KB of names", ",".join(["q"] * 1000)),
        ("first 2 KB of distinct names", ",".join(["n%d" % n for n in range(420)])[:2000]),  # noqa: UP031
        ("first 2 KB of commas", "," * 2000),
        ("first 2 KB of 64 names", ",".join(["%031x" % n for n in range(64)])),  # noqa: UP031
    ):
        for kind, policy in (("list", LIST_POLICY), ("echo", merged(LISTED, FULL))):
            print(json.dumps([label + ", " + kind, first_bytes(cls, names, policy)]))
    for label, policy, method, headers in (
        ("whole preflight, bytes added", LIST_POLICY, "OPTIONS", ASK.items()),
        ("whole preflight of a browser, bytes added", LIST_POLICY, "OPTIONS", from_browser),
        (
            "whole allowed request, bytes added",
            merged(LISTED, {"allow_credentials": True}),
            "GET",
            [("Origin", ORIGIN)],
        ),
        ("whole request without an Origin, bytes added", LISTED, "GET", []),
    ):
        without = request_bytes(None, {}, method, headers)
        print(json.dumps([label, request_bytes(cls, policy, method, headers) - without]))
    for label, headers in (("whole preflight", ASK.items()), ("whole preflight of a browser", from_browser)):
        print(json.dumps([label, request_bytes(cls, LIST_POLICY, "OPTIONS", headers)]))


if sys.argv[1] == "bytes":
    print_bytes(cors_class(sys.argv[2]))
else:
    for case in CASES:
        print(json.dumps([case[0], ratio(cors_class("cors"), cors_class("cors_upstream"), case[1:])]))
