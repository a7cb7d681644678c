"""The answers of a library on the host to requests of every kind, so that two libraries can be compared.

The requests are varied systematically: each policy with each origin, each kind of request with each policy, and a few
applications that are set up or change while they run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import product
from types import ModuleType
from typing import Any

from microdot import Microdot, Response, abort, redirect
from microdot.test_client import TestClient

A, B, C = "https://a.example", "https://b.example:8443", "https://a-much-longer-name.of-a-page.example"
LONG = "https://" + "a" * 300 + ".example"
MANY = [f"https://page-{number}.example" for number in range(40)]
FULL = {
    "allowed_origins": [A, B],
    "allow_credentials": True,
    "allowed_methods": ["get", "Put", "PATCH", "X-Focus"],
    "allowed_headers": ["X-Token", "x_b", "authorization"],
    "expose_headers": ["X-B", "X-A", "X-C"],
    "max_age": 7200,
}
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"allowed_origins": []},
    {"allowed_origins": ["*", "", None, "*.example", "https://*"]},
    {"allowed_origins": "*"},
    {"allowed_origins": "*", "allow_credentials": True},
    {"allowed_origins": A + ".evil.example," + A},
    {"allowed_origins": [A, B, C, "null", LONG, *MANY], "allow_credentials": True, "max_age": 0},
    {"allowed_origins": [A, "http://192.168.4.2"], "expose_headers": ["X-B"], "max_age": -60},
    {"allowed_origins": [A], "allowed_methods": "PUT", "allowed_headers": ["*"], "max_age": 60},
    {"allowed_origins": [A], "allowed_methods": ["*"], "allowed_headers": []},
    {"allowed_origins": [A], "allowed_methods": []},
    FULL,
)
WITH_ALL_PATHS = [POLICIES[place] for place in (0, 3, 4, 7, 11)]
LOOK_ALIKES = (
    *(A.upper(), A + "/", A + "/path", A + ".evil.example", A[:-1], A + ":443", A + ":81", A + "\x00x", "x" + A),
    *(
        "https://x.a.example",
        "https://u@a.example",
        "http://a.example",
        "https://aXexample",
        "//a.example",
        "a.example",
    ),
    *(f"{A}, {B}", f"{A} {C}", LONG + "x", "https://evil.example", "https:", "https://" + "b" * 505),
    *("http://localhost:3000", "http://192.168.4.9", "http://example.com:1234", "moz-extension://abc", "*"),
    *("https://" + "c" * 504, "https://" + "d" * 1500, "https://a.example\rx", "https://caf\u00e9.example"),
)
ORIGINS = (None, "", A, B, C, LONG, MANY[-1], "http://192.168.4.2", "null", *LOOK_ALIKES)
METHODS = (
    "GET",
    "get",
    "PUT",
    "HEAD",
    "OPTIONS",
    "DELETE",
    "patch",
    "PATCH",
    "U",
    "PUTS",
    "x-focus",
    "*",
    "GET, PUT",
)
BAD_METHODS = ("PU T", "PUT\rx", "P\u00dcT", "", "M" * 300, "a-b")
NAMES = (
    *("X-Token", "x_b,X-Token", "authorization, x-token", "x-b", "X-Tok", "X-Token-2", "*", "content-type", "x-zoom"),
    *("x-b,x-a,x-b", "X-A, x-b", "bad name,x-token", "x\x01y,x-token", "caf\u00e9,x-token", '"x",x-token', "a#b,c1"),
    *(",".join(f"x-{number}" for number in range(count)) for count in (12, 40, 64, 65, 300)),
    *(",".join(["x-token", *(f"x-{number}" for number in range(64))]), "x-token" + "," * 65, "n" * 100, "x-token,,"),
    *(",".join("n" * 60 + str(number) for number in range(20)), "x-token,x-unlisted", "other"),
)
PATHS = (
    "/",
    "/cached",
    "/moved",
    "/broken",
    "/picture",
    "/stream",
    "/own",
    "/own-lower",
    "/own-error",
    "/own-capitals",
)
PATHS += ("/vary", "/vary-list", "/vary-star", "/vary-origin", "/etag", "/expires", "/modified", "/no-store", "/gone")
PATHS += ("/near", "/empty", "/large", "/created", "/abort", "/bad", "/unavailable", "/shared", "/shared", "/missing")
PATHS += ("/handled", "/?query=1", "/network", "/private", "/repeated", "/similar")
RESPONSES: dict[str, tuple[Any, ...]] = {
    "/": ("index", 200, {"X-Frame": "7"}),
    "/cached": ("text", 200, {"Cache-Control": "max-age=9"}),
    "/picture": (b"\xff\xd8", 200, {"Content-Type": "image/jpeg"}),
    "/own": (
        "own",
        200,
        {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "DELETE", "X-Frame": "7"},
    ),
    "/own-lower": ("own", 200, {"access-control-allow-origin": "*", "access-control-max-age": "9"}),
    "/own-capitals": ("own", 200, {"ACCESS-CONTROL-MAX-AGE": "9"}),
    "/own-error": ("own", 500, {"Access-Control-Expose-Headers": "X-Secret"}),
    "/network": ("own", 200, {"Access-Control-Allow-Private-Network": "true"}),
    "/near": ("near", 200, {"X-Access-Control-Test": "stays"}),
    "/vary": ("text", 200, {"Vary": "Accept, Cookie"}),
    "/vary-list": ("text", 200, {"Vary": ["Cookie", "Accept"]}),
    "/vary-star": ("text", 200, {"Vary": "*"}),
    "/vary-origin": ("text", 200, {"Vary": "Accept, Origin"}),
    "/repeated": ("text", 200, {"Vary": "Accept, ACCEPT"}),
    "/similar": ("text", 200, {"Vary": "X-Origin"}),
    "/etag": ("text", 200, {"ETag": '"7"'}),
    "/expires": ("text", 200, {"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"}),
    "/modified": ("text", 200, {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}),
    "/no-store": ("text", 200, {"Cache-Control": "no-store"}),
    "/private": ("text", 200, {"Cache-Control": "private", "Vary": "Cookie"}),
    "/empty": ("", 204),
    "/large": ("x" * 3000, 200),
    "/created": ("created", 201),
    "/bad": ("bad", 400),
    "/gone": ("gone", 410),
    "/handled": ("", 402),
    "/unavailable": ("later", 503),
}
Answer = tuple[int, str, tuple[tuple[str, str], ...], bytes]


def microdot(source: str) -> ModuleType:
    """The module ``cors`` with this source."""
    module = ModuleType("cors")
    exec(compile(source, "cors", "exec"), vars(module))
    return module


def application() -> Microdot:
    """An application with a response of each kind, without CORS."""
    app, shared = Microdot(), Response("shared", 200, {"X-Frame": "7"})
    for path, response in RESPONSES.items():
        app.get(path)(lambda request, response=response: response)
    app.post("/created")(lambda request: ("created", 201))
    app.get("/moved")(lambda request: redirect("/"))
    app.get("/broken")(lambda request: 1 / 0)
    app.get("/abort")(lambda request: abort(418))
    app.get("/shared")(lambda request: shared)
    app.get("/stream")(
        lambda request: Response(iter([b"1", b"2"]), 200, {"Content-Type": "multipart/x-mixed-replace"})
    )
    app.route("/options", methods=["OPTIONS"])(lambda request: ("own", 200))
    return app


async def answer(app: Microdot, method: str = "GET", path: str = "/", **headers: str | None) -> Answer:
    """One answer; the headers of the request are named by their last word."""
    names = {
        "origin": "Origin",
        "method_": "Access-Control-Request-Method",
        "names": "Access-Control-Request-Headers",
        "private": "Access-Control-Request-Private-Network",
        "local": "Access-Control-Request-Local-Network",
        "referer": "Referer",
        "lower": "origin",
    }
    sent = {names[name]: value for name, value in headers.items() if value is not None}
    try:
        response = await TestClient(app).request(method, path, headers=sent)
    except Exception as error:  # Microdot's own library cannot merge a list
        return 0, type(error).__name__, (), b""
    fields = sorted((name.lower(), str(response.headers[name])) for name in response.headers)
    return response.status_code, str(response.reason), tuple(fields), response.body


async def of_requests(module: ModuleType) -> AsyncIterator[Answer]:
    """Each policy with each origin, and with each kind of request."""
    for policy in POLICIES:
        app = application()
        module.CORS(app, **policy)
        for origin in ORIGINS:
            yield await answer(app, origin=origin)
            yield await answer(app, "OPTIONS", origin=origin, method_="PUT", names="X-Token, X-Other")
        for origin in (A, "https://evil.example", None):
            for path in PATHS if policy in WITH_ALL_PATHS else ():
                yield await answer(app, "GET", path, origin=origin)
            yield await answer(app, "HEAD", "/", origin=origin)
            yield await answer(app, "HEAD", "/missing", origin=origin)
            yield await answer(app, "POST", "/created", origin=origin)
            yield await answer(app, "DELETE", "/", origin=origin)
            yield await answer(app, "OPTIONS", origin=origin)
            yield await answer(app, "OPTIONS", origin=origin, method_="")
            yield await answer(app, "OPTIONS", origin=origin, names="X-Token")
            yield await answer(app, "OPTIONS", "/options", origin=origin, method_="PUT")
            yield await answer(app, "OPTIONS", "/missing", origin=origin, method_="PUT")
            yield await answer(app, "GET", origin=origin, method_="PUT", names="X-Token")
            yield await answer(app, "OPTIONS", origin=origin, method_="PUT", private="true", local="true")
        for method in (*METHODS, *BAD_METHODS) if A in (policy.get("allowed_origins") or ()) else ():
            yield await answer(app, "OPTIONS", origin=A, method_=method)
            yield await answer(app, "OPTIONS", origin=A, method_=method, names="X-Token")
        for names in NAMES if A in (policy.get("allowed_origins") or ()) else ():
            yield await answer(app, "OPTIONS", origin=A, method_="PUT", names=names)
        yield await answer(app, lower=A)
        yield await answer(app, referer=A + "/page")
        app.connections = [1, 2]
        yield await answer(app, origin=A)
        body = {"Content-Length": "99999999", "Origin": A}
        response = await TestClient(app).request("POST", "/", headers=body)
        yield response.status_code, "", tuple(sorted((n.lower(), str(v)) for n, v in response.headers.items())), b""


CHANGES: dict[str, tuple[Any, ...]] = {
    "allowed_origins": (["https://c.example", A], [B], [], A, "*", None, [A, B]),
    "allow_credentials": (False, True, False),
    "allowed_methods": (["PUT", "POST"], ["GET"], [], None, "put"),
    "allowed_headers": (["X-Six", "X-Seven"], ["X-TOKEN"], [], None, "x_b"),
    "expose_headers": (["X-A", "X-D", "X-E"], ["X-B"], [], None),
    "max_age": (None, 0, 6),
    "preflight_status": (200, 204),
}


async def of_changes(module: ModuleType) -> AsyncIterator[Answer]:
    """Each attribute assigned, and each list changed in place, one after the other."""
    for name, values in CHANGES.items():
        app = application()
        cors = module.CORS(
            app, **{key: value[:] if isinstance(value, list) else value for key, value in FULL.items()}
        )
        for value in values:
            for in_place in (False, True):
                if in_place and isinstance(getattr(cors, name), list):
                    getattr(cors, name)[:1] = (
                        ["https://b.example", "X-Late"] if len(getattr(cors, name)) < 2 else ["X-Z"]
                    )
                elif not in_place:
                    setattr(cors, name, value[:] if isinstance(value, list) else value)
                for origin in (A, B, "https://c.example"):
                    yield await answer(app, "OPTIONS", origin=origin, method_="PUT", names="X-Token,X-Six,x-z,x_b")
                    yield await answer(app, origin=origin)


async def of_wiring(module: ModuleType) -> AsyncIterator[Answer]:
    """Applications that are initialized twice, later, without hooks, mounted, or served by the same object."""
    apps = [application() for _ in range(6)]
    apps[1].delete("/only-here")(lambda request: "deleted")
    cors = module.CORS(apps[0], [A, B], True, ["GET"], ["X-A"], ["X-Token"], 60)
    cors.initialize(apps[0])
    cors.initialize(apps[1])
    later = module.CORS(allowed_origins=[A])
    later.initialize(apps[2])
    by_hand = module.CORS(apps[3], [A, B], expose_headers=["X-A"], handle_cors=False)

    def by_hand_route(request: Any) -> tuple[str, int, dict[str, str]]:
        headers = by_hand.get_cors_headers(request)
        answer = "hello", 200, dict(headers)
        headers.clear()
        headers["Access-Control-Allow-Origin"] = "changed"
        return answer

    apps[3].get("/by-hand")(by_hand_route)
    apps[3].get("/names")(lambda request: ",".join(sorted(by_hand.get_cors_headers(request))))
    inner = Microdot()
    inner.get("/page")(lambda request: "inner")
    apps[4].mount(inner, url_prefix="/inner")
    module.CORS(apps[4], [A])
    module.CORS(apps[4], [B])
    module.CORS(apps[5], [A], allowed_methods=["GET"])
    apps[5].options_handler = None
    paths = ("/", "/only-here", "/by-hand", "/names", "/inner/page", "/missing", "/broken", "/options")
    for app, path, origin in product(apps, paths, (A, B, C, None)):
        yield await answer(app, "GET", path, origin=origin)
        yield await answer(app, "OPTIONS", path, origin=origin)
        yield await answer(app, "OPTIONS", path, origin=origin, method_="GET", names="X-Token")


async def run_at_once(executor: None, function: Callable[[], Any]) -> Any:
    """What an event loop does with a function that may block: this one runs it, as a board does without threads."""
    return function()


async def stream(source: str) -> AsyncIterator[Answer]:
    asyncio.get_running_loop().run_in_executor = run_at_once  # type: ignore[method-assign,assignment]
    module = microdot(source)
    for part in (of_changes, of_wiring, of_requests):
        async for each in part(module):
            yield each


async def answers(source: str) -> list[Answer]:
    """Every answer of the library with this source."""
    return [each async for each in stream(source)]


async def changed_answer(source: str, expected: list[Answer]) -> tuple[Answer, Answer] | None:
    """The first answer that is not the expected one, with that one; None: all are the same."""
    index = 0
    async for each in stream(source):
        if each != expected[index]:
            return each, expected[index]
        index += 1
        if index % 100 == 0:
            await asyncio.sleep(0)
    return None
