"""What the CORS class must do, for CPython and MicroPython: ``cases()`` yields (name, function without arguments)."""

import asyncio

import options
import policies
import wiring
from apps import PREFLIGHT, expect, small_app
from microdot import Microdot, Request, Response
from microdot.cors import CORS
from rows import ROWS, A, B
from wire import Reader, Writer, exchange, request_bytes, send, send_at_once


def run_row(policy, request, expected):
    app = Microdot()
    CORS(app, **policy)
    sets = request.get("sets") or {}

    @app.route("/", methods=["GET", "PUT"])
    async def index(request):
        return "body", 200, sets

    headers = []
    for key, name in (
        ("origin", "Origin"),
        ("acrm", "Access-Control-Request-Method"),
        ("acrh", "Access-Control-Request-Headers"),
        ("pna", "Access-Control-Request-Private-Network"),
    ):
        if request.get(key) is not None:
            headers.append((name, request[key]))
    answer = send(app, request.get("method", "GET"), request.get("path", "/"), headers)
    wanted = {key: value for key, value in expected.items() if value is not None}
    status = wanted.pop("status", 200)
    expect(answer.status, status)
    expect(answer.cors(), wanted)
    if request.get("method") == "OPTIONS":
        expect(answer.body, b"")
        assert answer.all("Allow")
    if status == 204:
        expect(answer.line, "HTTP/1.0 204 No Content")
        expect(answer.all("Content-Length"), [])
    for name in sets:
        lower = name.lower()
        if not lower.startswith("access-control-") and lower != "vary":
            value = sets[name]
            expect(answer.all(name), value if isinstance(value, list) else [value])


def every_kind_of_answer():
    app, _ = small_app()
    for method, path, status, vary in (
        ("GET", "/", 200, "Origin"),
        ("HEAD", "/", 200, "Origin"),
        ("GET", "/nowhere", 404, "Origin"),
        ("POST", "/", 405, "Origin"),
        ("GET", "/gone", 410, "Origin"),
        ("GET", "/broken", 500, "Accept, Origin"),
        ("GET", "/redirect", 302, "Origin"),
        ("GET", "/stream", 200, "Origin"),
        ("GET", "/nothing", 204, "Origin"),
    ):
        answer = send(app, method, path, {"Origin": A})
        expect((path, answer.status), (path, status))
        expect(answer.cors(), {"allow-origin": A, "vary": vary})
        expect(send(app, method, path, {"Origin": B}).all("Access-Control-Allow-Origin"), [])


def too_large():
    app, _ = small_app()
    for method in ("POST", "OPTIONS"):
        headers = {"Content-Length": "999999"}
        headers.update(PREFLIGHT)
        answer = send(app, method, "/", headers)
        expect(answer.status, 413)
        expect(answer.all("Access-Control-Allow-Origin"), [A])


def malformed_request():
    app, _ = small_app()
    expect(asyncio.run(exchange(app, b"nonsense\r\n\r\n")).status, 400)
    expect(send(app, headers={"Origin": A}).status, 200)


def shared_response():
    app, _ = small_app(allowed_origins=[A, B], allow_credentials=True, expose_headers=["X-A"])
    for _ in range(3):
        for origin in (A, B):
            expect(
                send(app, "GET", "/shared", {"Origin": origin}).cors(),
                {"allow-origin": origin, "allow-credentials": "true", "expose-headers": "X-A", "vary": "Origin"},
            )
        refused = send(app, "GET", "/shared", {"Origin": "https://c.example"})
        expect([name for name in refused.cors() if name != "vary"], [])


def shared_response_under_way():
    app, _ = small_app(allowed_origins=[A, B], allow_credentials=True)
    origins = (None, A, "https://c.example", B, A, None) * 3
    requests = [("GET", "/shared", {"Origin": origin} if origin else {}) for origin in origins]
    for _ in range(2):
        answers = send_at_once(app, requests)
        for number, origin in enumerate(origins):
            answer = answers[number]
            listed = origin in (A, B)
            expect(answer.all("Access-Control-Allow-Origin"), [origin] if listed else [])
            expect(answer.all("Access-Control-Allow-Credentials"), ["true"] if listed else [])
            expect(answer.body, b"shared")


def shared_response_with_everything():
    app, _ = small_app(allowed_origins=[A, B])
    shared = Response("shared", 201, {"X-A": "1", "Access-Control-X": "y"}, "Made")
    shared.set_cookie("a", "b")

    @app.get("/everything")
    async def everything(request):
        return shared

    for origin in (A, B, A):
        answer = send(app, "GET", "/everything", {"Origin": origin})
        expect((answer.line, answer.body, answer.all("X-A")), ("HTTP/1.0 201 Made", b"shared", ["1"]))
        expect((answer.all("Set-Cookie"), answer.all("Access-Control-X")), (["a=b"], []))
        expect(answer.cors(), {"allow-origin": origin, "vary": "Origin"})


def response_of_a_web_socket():
    app, _ = small_app()

    @app.get("/socket")
    async def socket(request):
        return Response.already_handled

    async def bytes_sent():
        writer = Writer()
        await app.handle_request(Reader(request_bytes("GET", "/socket", {"Origin": A})), writer)
        return writer.sent

    for _ in range(3):
        expect(asyncio.run(bytes_sent()), b"")
    expect(list(Response.already_handled.headers), [])


def repeated_headers():
    app, _ = small_app()
    answer = send(app, "GET", "/", [("Origin", B), ("origin", A)])
    expect(answer.all("Access-Control-Allow-Origin") in ([], [A]), True)
    headers = [("Origin", A), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Method", "GET")]
    expect(send(app, "OPTIONS", "/", headers).all("Access-Control-Allow-Methods") in (["PUT"], ["GET"]), True)


def preflight_status():
    app, cors = small_app()
    cors.preflight_status = 200
    answer = send(app, "OPTIONS", "/", PREFLIGHT)
    expect(answer.line, "HTTP/1.0 200 OK")
    expect(answer.all("Content-Length"), ["0"])
    expect(CORS.preflight_status, 204)


def long_headers():
    limit = Request.max_readline
    app, _ = small_app(allowed_origins="*")
    try:
        Request.max_readline = 200_000
        for big in ("x" * 100_000, "," * 100_000, "x," * 50_000, "x " * 50_000):
            for name in ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"):
                headers = dict(PREFLIGHT)
                headers[name] = big
                answer = send(app, "OPTIONS", "/", headers)
                assert answer.status in (200, 204)
            expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Origin"})
    finally:
        Request.max_readline = limit
    expect(send(app, headers={"Origin": "x" * 3000}).status, 400)


FUNCTIONS = (
    every_kind_of_answer,
    too_large,
    malformed_request,
    shared_response,
    shared_response_under_way,
    shared_response_with_everything,
    response_of_a_web_socket,
    repeated_headers,
    preflight_status,
    long_headers,
)


def cases():
    """Every case: (name, function)."""
    for row in ROWS:
        yield row[0], lambda row=row: run_row(*row[1:])
    for function in FUNCTIONS + options.FUNCTIONS + policies.FUNCTIONS + wiring.FUNCTIONS:
        yield function.__name__.replace("_", " "), function
