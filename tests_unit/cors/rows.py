"""The behaviour of the CORS class as a table: one policy and one request a row, the exact CORS headers expected.

A row is (name, policy, request, expected). ``request`` holds ``method`` (GET), ``path`` (/), the request headers
``origin``, ``acrm`` and ``acrh``, and ``sets``: headers that the handler itself sets. ``expected`` holds ``status``
(204 for an answered preflight request, otherwise 200) and the CORS headers without their prefix, plus ``vary``; what
is not named must not be sent. Plain data, for CPython and MicroPython.
"""

A = "https://a.example"
B = "https://b.example"
LIST = {"allowed_origins": [A, B]}
ANY = {"allowed_origins": "*"}


def policy(base, **more):
    made = dict(base)
    made.update(more)
    return made


def get(origin=None, **more):
    made = {"origin": origin}
    made.update(more)
    return made


def ask(method="PUT", names=None, origin=A, **more):
    made = {"method": "OPTIONS", "origin": origin, "acrm": method, "acrh": names}
    made.update(more)
    return made


def ok(origin=None, vary="Origin", **more):
    made = {"allow-origin": origin, "vary": vary} if origin else {}
    for key, value in more.items():
        made[key.replace("_", "-")] = value
    return made


def granted(method="PUT", origin=A, vary="Origin", **more):
    return ok(origin, vary, status=204, allow_methods=method, **more)


def refused(**more):
    return ok(A, status=204, **more)


NOTHING = {}
REFUSED = {"status": 204}

ORIGINS = [
    ("list: first", LIST, get(A), ok(A)),
    ("list: second", LIST, get(B), ok(B)),
    ("list: other", LIST, get("https://c.example"), NOTHING),
    ("list: none sent", LIST, get(), NOTHING),
    ("list: empty sent", LIST, get(""), NOTHING),
    ("list: case differs", LIST, get("https://A.example"), NOTHING),
    ("list: final slash", LIST, get(A + "/"), NOTHING),
    ("list: slash in the policy", {"allowed_origins": [A + "/"]}, get(A), NOTHING),
    ("list: port", LIST, get(A + ":443"), NOTHING),
    ("list: prefix", LIST, get(A + ".evil.example"), NOTHING),
    ("list: suffix", LIST, get("https://evil" + A[8:]), NOTHING),
    ("list: star sent", {"allowed_origins": ["*"]}, get("*"), NOTHING),
    ("list: star in it", {"allowed_origins": ["*"]}, get(A), NOTHING),
    ("list: null listed", {"allowed_origins": ["null"]}, get("null"), ok("null")),
    ("list: null not listed", LIST, get("null"), NOTHING),
    ("list: empty entry", {"allowed_origins": ["", None]}, get(""), NOTHING),
    ("list: empty entry, none sent", {"allowed_origins": ["", None]}, get(), NOTHING),
    ("none", {}, get(A), NOTHING),
    ("empty list", {"allowed_origins": []}, get(A), NOTHING),
    ("empty string", {"allowed_origins": ""}, get(A), NOTHING),
    ("empty string, empty sent", {"allowed_origins": ""}, get(""), NOTHING),
    ("one string", {"allowed_origins": A}, get(A), ok(A)),
    ("one string: part of it", {"allowed_origins": "https://a.example.org"}, get(A), NOTHING),
    ("one string: single letter", {"allowed_origins": A}, get("a"), NOTHING),
    ("tuple", {"allowed_origins": (A, B)}, get(B), ok(B)),
    ("any", ANY, get(A), ok(A)),
    ("any: none sent", ANY, get(), ok("*", None)),
    ("any: empty sent", ANY, get(""), ok("*", None)),
    ("any: null", ANY, get("null"), ok("null")),
    ("any: control character", ANY, get("https://a\x01b"), ok("*", None)),
    ("any: inner return", ANY, get("https://a\rSet-Cookie: x"), ok("*", None)),
    ("any: NUL", ANY, get("https://a\x00b"), ok("*", None)),
    ("any: delete", ANY, get("https://a\x7f"), ok("*", None)),
    ("any: blank", ANY, get(A + " " + B), ok("*", None)),
    ("any: not ASCII", ANY, get("https://\xfcber.example"), ok("*", None)),
    ("any: IPv6", ANY, get("http://[::1]:8080"), ok("http://[::1]:8080")),
    ("any: long", ANY, get("https://" + "a" * 1500), ok("*", None)),
    ("any: credentials", policy(ANY, allow_credentials=True), get(A), ok("*", None, allow_credentials="true")),
    (
        "any: credentials, none sent",
        policy(ANY, allow_credentials=True),
        get(),
        ok("*", None, allow_credentials="true"),
    ),
    (
        "any: credentials, null",
        policy(ANY, allow_credentials=True),
        get("null"),
        ok("*", None, allow_credentials="true"),
    ),
    ("credentials", policy(LIST, allow_credentials=True), get(A), ok(A, allow_credentials="true")),
    ("credentials: other", policy(LIST, allow_credentials=True), get("https://c.example"), NOTHING),
    ("expose", policy(LIST, expose_headers=["X-A", "X-B"]), get(A), ok(A, expose_headers="X-A, X-B")),
    ("expose: other", policy(LIST, expose_headers=["X-A"]), get("https://c.example"), NOTHING),
    ("expose: one string", policy(LIST, expose_headers="X-A"), get(A), ok(A, expose_headers="X-A")),
    ("expose: tuple", policy(LIST, expose_headers=("X-A", "X-B")), get(A), ok(A, expose_headers="X-A, X-B")),
    ("expose: any", policy(ANY, expose_headers=["X-A"]), get(), ok("*", None, expose_headers="X-A")),
    ("expose: none", policy(LIST, expose_headers=[]), get(A), ok(A)),
    ("not a preflight", policy(LIST, max_age=9), get(A, acrm="PUT", acrh="x-a"), ok(A)),
    ("method not listed", policy(LIST, allowed_methods=["PUT"]), get(A), ok(A)),
]

VARY = [
    ("vary: merged", LIST, get(A, sets={"Vary": "Accept"}), ok(A, "Accept, Origin")),
    ("vary: lower case", LIST, get(A, sets={"vary": "accept"}), ok(A, "accept, Origin")),
    ("vary: empty", LIST, get(A, sets={"vary": ""}), ok(A)),
    ("vary: tuple", LIST, get(A, sets={"Vary": ("Accept", "X-A")}), ok(A, "Accept, X-A, Origin")),
    ("vary: already", LIST, get(A, sets={"VARY": "origin"}), ok(A, "origin")),
    ("vary: already, first", LIST, get(A, sets={"Vary": "Origin, Accept"}), ok(A, "Origin, Accept")),
    ("vary: list", LIST, get(A, sets={"Vary": ["Accept", "X-A, X-B"]}), ok(A, "Accept, X-A, X-B, Origin")),
    ("vary: twice", LIST, get(A, sets={"Vary": "Accept, accept,, X-A "}), ok(A, "Accept, X-A, Origin")),
    ("vary: star", LIST, get(A, sets={"Vary": "*"}), ok(A, "*")),
    ("vary: part of a name", LIST, get(A, sets={"Vary": "X-Origin"}), ok(A, "X-Origin, Origin")),
    ("vary: kept", LIST, get(sets={"Vary": "Accept"}), {"vary": "Accept"}),
    ("vary: reflected", ANY, get(A, sets={"Vary": "Accept"}), ok(A, "Accept, Origin")),
    ("vary: any", ANY, get(sets={"ETag": '"1"'}), ok("*", None)),
    ("vary: cache control", LIST, get(sets={"Cache-Control": "max-age=9"}), {"vary": "Origin"}),
    ("vary: cache control, list", LIST, get(sets={"cache-control": ["public", "max-age=9"]}), {"vary": "Origin"}),
    ("vary: no-store", LIST, get(sets={"Cache-Control": "private, No-Store"}), NOTHING),
    ("vary: no-store, list", LIST, get(sets={"Cache-Control": ["private", "no-store"]}), NOTHING),
    ("vary: no-store, matched", LIST, get(A, sets={"Cache-Control": "no-store"}), ok(A)),
    ("vary: etag", LIST, get("https://c.example", sets={"ETag": '"1"'}), {"vary": "Origin"}),
    ("vary: expires", LIST, get(sets={"expires": "0"}), {"vary": "Origin"}),
    ("vary: last modified", LIST, get(sets={"Last-Modified": "x", "Vary": "Accept"}), {"vary": "Accept, Origin"}),
    ("vary: no policy", {}, get(A, sets={"ETag": '"1"'}), NOTHING),
    ("vary: nobody yet", {"allowed_origins": []}, get(A, sets={"ETag": '"1"'}), {"vary": "Origin"}),
]

OWNED = [
    ("owned: refused", LIST, get(sets={"Access-Control-Allow-Origin": "*"}), NOTHING),
    ("owned: lower case", LIST, get(A, sets={"access-control-allow-origin": "*"}), ok(A)),
    ("owned: capitals", LIST, get(A, sets={"ACCESS-CONTROL-ALLOW-ORIGIN": "*"}), ok(A)),
    ("owned: others", LIST, get(A, sets={"Access-Control-Max-Age": "9", "Access-Control-X": "y"}), ok(A)),
    ("owned: private network", LIST, get(A, sets={"Access-Control-Allow-Private-Network": "true"}), ok(A)),
    (
        "owned: both cases",
        LIST,
        get(A, sets={"Access-Control-Allow-Origin": "x", "access-control-allow-origin": "y", "X-A": "z"}),
        ok(A),
    ),
    (
        "owned: others' names",
        LIST,
        get(A, sets={"Remote-Control-Mode": "1", "Camera-Control-Id": "2", "X-Access-Control-Id": "3"}),
        ok(A),
    ),
    ("owned: no policy", {}, get(A, sets={"Access-Control-Allow-Origin": A}), NOTHING),
]

PREFLIGHTS = [
    ("preflight: echo", LIST, ask("PUT", "x-a,x-b"), granted(allow_headers="x-a,x-b")),
    ("preflight: echo, blanks", LIST, ask("PUT", "X-A,  x-b ,x-c"), granted(allow_headers="X-A,  x-b ,x-c")),
    ("preflight: no headers", LIST, ask(), granted()),
    ("preflight: empty headers", LIST, ask("PUT", ""), granted()),
    ("preflight: other origin", LIST, ask(origin="https://c.example"), REFUSED),
    (
        "preflight: other origin, whole policy",
        policy(LIST, allow_credentials=True, expose_headers=["X-A"], max_age=9),
        ask("PUT", "x-a", origin="https://c.example"),
        REFUSED,
    ),
    ("preflight: nobody is allowed", {}, ask(), REFUSED),
    ("preflight: path unknown", LIST, ask(path="/nowhere"), granted()),
    ("preflight: private network", LIST, ask(pna="true"), granted()),
    ("preflight: any", ANY, ask(), granted()),
    (
        "preflight: any, credentials",
        policy(ANY, allow_credentials=True),
        ask(),
        granted(origin="*", vary=None, allow_credentials="true"),
    ),
    ("options: no method", policy(LIST, max_age=9), ask(None, "x-a"), ok(A)),
    ("options: empty method", policy(LIST, max_age=9), ask("", "x-a"), ok(A)),
    ("options: no origin", ANY, ask(origin=None), ok("*", None)),
    ("options: no origin, list", LIST, ask(origin=None), NOTHING),
    ("options: exposes", policy(LIST, expose_headers=["X-A"]), ask(None), ok(A, expose_headers="X-A")),
    ("method: put in capitals", LIST, ask("put"), granted("PUT")),
    ("method: delete in capitals", LIST, ask("Delete"), granted("DELETE")),
    ("method: patch is left", LIST, ask("patch"), granted("patch")),
    ("method: own", LIST, ask("X-Do.it"), granted("X-Do.it")),
    ("method: part of a name", LIST, ask("ele"), granted("ele")),
    ("method: no token", LIST, ask("P UT", "x-a"), refused()),
    ("method: list sent", LIST, ask("GET, PUT"), refused()),
    ("method: control character", LIST, ask("PU\x01T"), refused()),
    ("method: inner return", LIST, ask("PUT\rX-A: b"), refused()),
    ("method: not ASCII", LIST, ask("P\xdcT"), refused()),
    ("method: listed", policy(LIST, allowed_methods=["GET", "PUT"]), ask("PUT"), granted("PUT")),
    ("method: listed in lower case", policy(LIST, allowed_methods=["put"]), ask("PUT"), granted("PUT")),
    ("method: custom listed", policy(LIST, allowed_methods=["PATCH"]), ask("patch"), granted("patch")),
    ("method: refused", policy(LIST, allowed_methods=["GET"], max_age=9), ask("PUT", "x-a"), refused()),
    ("method: none allowed", policy(LIST, allowed_methods=[]), ask("PUT"), refused()),
    ("method: star listed", policy(LIST, allowed_methods=["*"]), ask("PUT"), refused()),
    ("method: one string", policy(LIST, allowed_methods="PUT"), ask("PUT"), granted("PUT")),
    ("method: part of one string", policy(LIST, allowed_methods="PUT"), ask("P"), refused()),
    ("method: tuple", policy(LIST, allowed_methods=("GET", "PUT")), ask("PUT"), granted("PUT")),
    (
        "headers: some",
        policy(LIST, allowed_headers=["X-A", "x-b"]),
        ask("PUT", "x-c,X-B,x-a"),
        granted(allow_headers="X-B, x-a"),
    ),
    ("headers: none of them", policy(LIST, allowed_headers=["X-A"]), ask("PUT", "x-b"), granted()),
    ("headers: none allowed", policy(LIST, allowed_headers=[]), ask("PUT", "x-b"), granted()),
    ("headers: star sent", policy(LIST, allowed_headers=["X-A"]), ask("PUT", "*,x-a"), granted(allow_headers="x-a")),
    ("headers: star in both", policy(LIST, allowed_headers=["*"]), ask("PUT", "*"), granted()),
    ("headers: star listed", policy(LIST, allowed_headers=["*"]), ask("PUT", "x-a"), granted()),
    ("headers: one string", policy(LIST, allowed_headers="X-A"), ask("PUT", "x-a,x"), granted(allow_headers="x-a")),
    ("headers: two in one string", policy(LIST, allowed_headers="X-A,X-B"), ask("PUT", "x-a"), granted()),
    (
        "headers: Kelvin sign",
        policy(LIST, allowed_headers=["x-key"]),
        ask("PUT", "x-\u212aey,X-Key"),
        granted(allow_headers="X-Key"),
    ),
    ("method: Kelvin sign", policy(LIST, allowed_methods=["LOCK"]), ask("LOC\u212a"), refused()),
    ("headers: part of a name", policy(LIST, allowed_headers=["X-Abc"]), ask("PUT", "x-a"), granted()),
    ("headers: no token", LIST, ask("PUT", "x-a,x b,x(c),x-d"), granted(allow_headers="x-a, x-d")),
    ("headers: empty parts", LIST, ask("PUT", ",x-a,,x-b,"), granted(allow_headers="x-a, x-b")),
    ("headers: only commas", LIST, ask("PUT", ",,,"), granted()),
    ("headers: tab", LIST, ask("PUT", "x-a,\tx-b"), granted(allow_headers="x-a, x-b")),
    ("headers: control character", LIST, ask("PUT", "x-a,x\x00b"), granted(allow_headers="x-a")),
    ("headers: inner return", LIST, ask("PUT", "x-a,x\rb"), granted(allow_headers="x-a")),
    ("headers: not ASCII", LIST, ask("PUT", "x-a,\xfc"), granted(allow_headers="x-a")),
    ("headers: 64", LIST, ask("PUT", ",".join(["x"] * 64)), granted(allow_headers=",".join(["x"] * 64))),
    ("headers: 65", LIST, ask("PUT", ",".join(["x"] * 65)), granted()),
    ("headers: 65, list", policy(LIST, allowed_headers=["x"]), ask("PUT", ",".join(["x"] * 65)), granted()),
    ("headers: 900", LIST, ask("PUT", ",".join(["x"] * 900)), granted()),
    ("age", policy(LIST, max_age=600), ask(), granted(max_age="600")),
    ("age: zero", policy(LIST, max_age=0), ask(), granted(max_age="0")),
    ("age: negative", policy(LIST, max_age=-5), ask(), granted(max_age="0")),
    ("age: fraction", policy(LIST, max_age=9.7), ask(), granted(max_age="9")),
    ("age: text", policy(LIST, max_age="600"), ask(), granted(max_age="600")),
    (
        "preflight: all of it",
        policy(
            LIST,
            allow_credentials=True,
            allowed_methods=["PUT"],
            expose_headers=["X-E"],
            allowed_headers=["X-A"],
            max_age=60,
        ),
        ask("PUT", "x-a"),
        granted(allow_credentials="true", expose_headers="X-E", allow_headers="x-a", max_age="60"),
    ),
]

ROWS = ORIGINS + VARY + OWNED + PREFLIGHTS
