"""Applications to ask, and how to compare what they answer."""

from microdot import Microdot, Response, abort
from microdot.cors import CORS
from rows import A

PREFLIGHT = {"Origin": A, "Access-Control-Request-Method": "PUT"}


def expect(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


def small_app(**policy):
    """An application with one answer of every kind, and its CORS object."""
    app = Microdot()
    policy.setdefault("allowed_origins", [A])
    cors = CORS(app, **policy)
    shared = Response("shared")

    @app.get("/")
    async def index(request):
        return "index"

    @app.get("/shared")
    async def again(request):
        return shared

    @app.get("/gone")
    async def gone(request):
        abort(410)

    @app.get("/broken")
    async def broken(request):
        raise KeyError("broken")

    @app.get("/redirect")
    async def redirect(request):
        return Response.redirect("/")

    @app.get("/stream")
    async def stream(request):
        def parts():
            yield "a"
            yield "b"

        return parts()

    @app.get("/nothing")
    async def nothing(request):
        return None

    @app.errorhandler(KeyError)
    async def on_key_error(request, error):
        return "sorry", 500, {"Vary": "Accept"}

    return app, cors
