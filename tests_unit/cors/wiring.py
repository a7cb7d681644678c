"""The CORS class beside other users of an application: hooks, mounts, CSRF protection, use by hand."""

from apps import PREFLIGHT, expect, small_app
from microdot import Microdot
from microdot.cors import CORS
from microdot.csrf import CSRF
from rows import A, B
from wire import send


def manual_use():
    app = Microdot()
    use_by_hand(app, CORS(app, allowed_origins=[A], handle_cors=False))
    use_by_hand(Microdot(), CORS(allowed_origins=[A]))


def use_by_hand(app, cors):
    @app.get("/")
    async def index(request):
        headers = cors.get_cors_headers(request)
        if request.headers.get("Origin") == A:
            expect(headers, {"Access-Control-Allow-Origin": A})
        headers["Vary"] = ["Accept", "X-A"]
        return "index", 200, headers

    @app.get("/unused")
    async def unused(request):
        cors.get_cors_headers(request)
        return "index"

    @app.get("/plain")
    async def plain(request):
        return "plain"

    for _ in range(2):
        expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Accept, X-A, Origin"})
        expect(send(app, path="/unused", headers={"Origin": A}).cors(), {})
        expect(send(app, path="/plain", headers={"Origin": A}).cors(), {})
    expect(send(app, headers={"Origin": B}).all("Access-Control-Allow-Origin"), [])
    expect(send(app, "OPTIONS", "/", PREFLIGHT).cors(), {})


def manual_errors():
    app = Microdot()
    cors = CORS(app, allowed_origins=[A], handle_cors=False)

    @app.errorhandler(404)
    async def not_found(request):
        headers = cors.get_cors_headers(request)
        headers["Vary"] = "Accept"
        return "nothing", 404, headers

    expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Accept, Origin"})


def new_dictionary():
    app, cors = small_app(expose_headers=["X-A"], max_age=5)
    seen = []

    @app.after_error_request
    @app.after_request
    async def spoil(request, response):
        headers = cors.get_cors_headers(request)
        seen.append(dict(headers))
        for name in headers:
            assert name.startswith("Access-Control-")
            headers[name] = "spoiled"

    for method in ("GET", "OPTIONS", "GET", "OPTIONS"):
        found = send(app, method, "/", PREFLIGHT).cors()
        expect("spoiled" in str(found), False)
    expect(seen[0], seen[2])
    expect(seen[1], seen[3])


def later_hook_sets_vary():
    app, _ = small_app()

    @app.after_request
    async def later(request, response):
        response.headers["Vary"] = "Accept-Encoding"

    expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Accept-Encoding, Origin"})


def hook_of_a_request_sets_vary():
    app, _ = small_app()

    @app.get("/hooked")
    async def hooked(request):
        @request.after_request
        async def later(request, response):
            response.headers["Vary"] = "Cookie"

        return "hooked"

    for _ in range(2):
        expect(send(app, path="/hooked", headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Cookie, Origin"})


def main_and_sub():
    """Two applications with a route each, to be mounted."""
    main, sub = Microdot(), Microdot()

    @main.get("/")
    async def index(request):
        return "main"

    @sub.get("/x")
    async def inner(request):
        return "sub"

    return main, sub


def two_policies():
    main, sub = main_and_sub()
    CORS(sub, allowed_origins="*")
    CORS(main, allowed_origins=[A], allow_credentials=True)
    main.mount(sub, "/sub", local=True)
    for origin in (A, B):
        expect(
            send(main, path="/sub/x", headers={"Origin": origin}).cors(), {"allow-origin": origin, "vary": "Origin"}
        )
    expect(send(main, headers={"Origin": B}).cors(), {})
    found = send(main, headers={"Origin": A}).cors()
    expect(found, {"allow-origin": A, "allow-credentials": "true", "vary": "Origin"})

    both, _ = main_and_sub()
    for origin in (A, B):
        CORS(both, allowed_origins=[origin])
    for origin in (A, B):
        expect(send(both, headers={"Origin": origin}).cors(), {"allow-origin": origin, "vary": "Origin"})


def other_users_of_vary():
    app = Microdot()
    CORS(app, allowed_origins=[A])

    @app.get("/")
    async def index(request):
        request.g._vary = {"Accept"}
        return "index", {"Vary": ["X-A", "X-B"]}

    expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "X-A, X-B, Origin, Accept"})


def with_csrf():
    app = Microdot()
    cors = CORS(app, allowed_origins=A)
    CSRF(app, cors)

    @app.post("/")
    async def index(request):
        return "index", {"Vary": "Accept"}

    expect(send(app, "POST", "/", {"Origin": A}).status, 200)
    expect(send(app, "POST", "/", {"Origin": "https://a.exam"}).status, 403)
    cors.allowed_origins = B
    expect(send(app, "POST", "/", {"Origin": "https://b.exam"}).status, 403)
    found = send(app, "POST", "/", {"Origin": B, "Sec-Fetch-Site": "same-origin"})
    expect(found.cors(), {"allow-origin": B, "vary": "Accept, Origin, Sec-Fetch-Site"})


def initialized_twice():
    app, cors = small_app()
    cors.initialize(app)
    cors.initialize(app)
    expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Origin"})
    answer = send(app, "OPTIONS", "/", PREFLIGHT)
    expect((answer.status, answer.all("Access-Control-Allow-Methods")), (204, ["PUT"]))
    expect((len(app.after_request_handlers), len(app.after_error_request_handlers)), (1, 1))


def manual_then_automatic():
    app = Microdot()
    cors = CORS(app, allowed_origins=[A], handle_cors=False)
    cors.initialize(app, handle_cors=False)
    expect((len(app.after_request_handlers), len(app.after_error_request_handlers)), (0, 1))
    cors.initialize(app)
    expect(send(app, headers={"Origin": A}).cors(), {"allow-origin": A, "vary": "Origin"})
    expect(send(app, "OPTIONS", "/", PREFLIGHT).status, 204)


def two_applications():
    one, cors = small_app()
    two = Microdot()

    @two.route("/", methods=["DELETE"])
    async def index(request):
        return "two"

    cors.initialize(two)
    expect(send(one, "OPTIONS", "/", PREFLIGHT).all("Allow"), ["GET, HEAD, OPTIONS"])
    expect(send(two, "OPTIONS", "/", PREFLIGHT).all("Allow"), ["DELETE, OPTIONS"])
    expect(send(two, "DELETE", "/", {"Origin": A}).all("Access-Control-Allow-Origin"), [A])


def public_names():
    app, cors = small_app()

    class Stub:
        method = "OPTIONS"
        path = "/"
        headers = PREFLIGHT

    request = Stub()
    request.app = app
    request.after_request_handlers = []
    headers = cors.options_handler(request)
    expect(headers["Allow"], "GET, HEAD, OPTIONS")
    expect(headers["Access-Control-Allow-Origin"], A)
    expect(callable(cors.default_options_handler) and callable(cors.after_request), True)


def mounted():
    for local in (False, True):
        for on_main, on_sub in ((True, False), (False, True), (True, True)):
            main, sub = main_and_sub()
            cors = CORS(allowed_origins=[A])
            if on_main:
                cors.initialize(main)
            if on_sub:
                cors.initialize(sub)
            main.mount(sub, "/sub", local=local)
            expect(send(main, "GET", "/sub/x", {"Origin": A}).cors(), {"allow-origin": A, "vary": "Origin"})
            expect(send(main, "GET", "/sub/x", {"Origin": B}).cors(), {})
            if on_main or not local:
                answer = send(main, "OPTIONS", "/sub/x", PREFLIGHT)
                expect((answer.status, answer.all("Allow")), (204, ["GET, HEAD, OPTIONS"]))
                expect(answer.cors(), {"allow-origin": A, "vary": "Origin", "allow-methods": "PUT"})


FUNCTIONS = (
    manual_use,
    manual_errors,
    new_dictionary,
    later_hook_sets_vary,
    hook_of_a_request_sets_vary,
    two_policies,
    other_users_of_vary,
    with_csrf,
    initialized_twice,
    manual_then_automatic,
    two_applications,
    public_names,
    mounted,
)
