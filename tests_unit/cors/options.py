"""OPTIONS requests: Microdot's handler, the application's own, a route or nobody; how request headers are read."""

from apps import PREFLIGHT, expect, small_app
from microdot import Microdot, Response
from microdot.cors import CORS
from rows import A, B
from wire import send

GRANTED = {"allow-origin": A, "vary": "Origin", "allow-methods": "PUT"}


def handler_assigned_by_hand():
    first, cors = small_app()
    second = Microdot()
    second.route("/", methods=["DELETE"])(lambda request: "second")
    cors.initialize(second)
    for app, allow in ((first, "GET, HEAD, OPTIONS"), (second, "DELETE, OPTIONS")):
        app.options_handler = cors.options_handler
        cors.initialize(app)
        answer = send(app, "OPTIONS", "/", PREFLIGHT)
        expect((answer.status, answer.all("Allow")), (204, [allow]))
        expect(answer.cors(), GRANTED)


def own_options_route():
    for late in (False, True):
        app = Microdot()
        if not late:
            app.options_handler = None
        CORS(app, allowed_origins=[A])
        app.options_handler = None

        @app.route("/", methods=["GET", "OPTIONS"])
        async def index(request):
            return "mine", 200, {"access-control-allow-methods": "*"}

        @app.route("/refuses", methods=["OPTIONS"])
        async def refuses(request):
            return "mine", 405

        answer = send(app, "OPTIONS", "/", PREFLIGHT)
        expect((answer.status, answer.body), (200, b"mine"))
        expect(answer.cors(), GRANTED)
        expect(send(app, "OPTIONS", "/refuses", PREFLIGHT).status, 405)


def own_options_handler():
    app = Microdot()
    app.options_handler = lambda request: {"Allow": "GET", "X-Own": "1", "access-control-max-age": "99"}
    CORS(app, allowed_origins=[A])
    answer = send(app, "OPTIONS", "/", PREFLIGHT)
    expect((answer.status, answer.all("Allow"), answer.all("X-Own")), (204, ["GET"], ["1"]))
    expect(answer.cors(), GRANTED)


def without_options_handler():
    app, cors = small_app()
    app.options_handler = None
    for status, line, length in ((204, "HTTP/1.0 204 No Content", []), (200, "HTTP/1.0 200 OK", ["0"])):
        cors.preflight_status = status
        for path, allow in (("/", "GET, HEAD, OPTIONS"), ("/nowhere", "OPTIONS")):
            answer = send(app, "OPTIONS", path, PREFLIGHT)
            expect((answer.line, answer.body, answer.all("Content-Length")), (line, b"", length))
            expect((answer.cors(), answer.all("Allow")), (GRANTED, [allow]))
            refused = send(app, "OPTIONS", path, {"Origin": B, "Access-Control-Request-Method": "PUT"})
            expect((refused.line, refused.body, refused.cors()), (line, b"", {}))


def without_options_handler_only_preflights_are_answered():
    app, _ = small_app()
    app.options_handler = None
    for path, status in (("/", 405), ("/nowhere", 404)):
        answer = send(app, "OPTIONS", path, {"Origin": A})
        expect((answer.status, answer.cors()), (status, {"allow-origin": A, "vary": "Origin"}))
        expect(send(app, "OPTIONS", path, {"Access-Control-Request-Method": "PUT"}).status, status)
        expect(send(app, "DELETE", path, PREFLIGHT).status, status)
    headers = {"Content-Length": "999999"}
    headers.update(PREFLIGHT)
    expect(send(app, "OPTIONS", "/", headers).status, 413)


def without_options_handler_mounted():
    for local in (False, True):
        main, sub = Microdot(), Microdot()
        main.options_handler = None
        sub.get("/x")(lambda request: "sub")
        CORS(main, allowed_origins=[A])
        main.mount(sub, "/sub", local=local)
        answer = send(main, "OPTIONS", "/sub/x", PREFLIGHT)
        expect((answer.status, answer.all("Allow"), answer.cors()), (204, ["GET, HEAD, OPTIONS"], GRANTED))


def error_pages_stay_as_they_are():
    app, _ = small_app()
    app.options_handler = None
    missing = Response("missing", 404)

    @app.errorhandler(404)
    async def not_found(request):
        return missing

    @app.errorhandler(405)
    async def not_allowed(request):
        return "not allowed", 405, {"X-Page": "1"}

    for _ in range(2):
        for path in ("/", "/nowhere"):
            answer = send(app, "OPTIONS", path, PREFLIGHT)
            expect((answer.status, answer.body, answer.all("X-Page")), (204, b"", []))
        answer = send(app, "GET", "/nowhere", {"Origin": A})
        expect((answer.status, answer.body), (404, b"missing"))
        answer = send(app, "DELETE", "/", {"Origin": A})
        expect((answer.status, answer.body), (405, b"not allowed"))


def request_headers_in_any_case():
    app, _ = small_app(allowed_headers=["X-A"])
    for change in (str.lower, str.upper):
        headers = [(change(name), PREFLIGHT[name]) for name in PREFLIGHT]
        headers.append((change("Access-Control-Request-Headers"), "x-a"))
        expected = dict(GRANTED)
        expected["allow-headers"] = "x-a"
        answer = send(app, "OPTIONS", "/", headers)
        expect((answer.status, answer.cors()), (204, expected))
        expect(send(app, "GET", "/", headers).cors(), {"allow-origin": A, "vary": "Origin"})


def request_headers_stay_as_they_are():
    app, _ = small_app()
    seen = []

    @app.after_error_request
    @app.after_request
    async def look(request, response):
        seen.append([(name, request.headers[name]) for name in request.headers])

    requests = (
        {},
        {"Origin": ""},
        {"Origin": A, "Access-Control-Request-Method": ""},
        {"Origin": A, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": ""},
        {"origin": A, "access-control-request-method": "PUT"},
    )
    for headers in requests:
        for method in ("GET", "OPTIONS"):
            send(app, method, "/", headers)
            expect(sorted(seen.pop()), sorted([("Host", "board")] + list(headers.items())))  # noqa: RUF005


FUNCTIONS = (
    handler_assigned_by_hand,
    own_options_route,
    own_options_handler,
    without_options_handler,
    without_options_handler_only_preflights_are_answered,
    without_options_handler_mounted,
    error_pages_stay_as_they_are,
    request_headers_in_any_case,
    request_headers_stay_as_they_are,
)
