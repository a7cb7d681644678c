"""Two libraries loaded side by side: each request goes through the one that it names."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

TOKEN = {"X-Rig-Token": "sesame"}
SIDES = "/rig/sides?policy=allowed_origins,allow_credentials,max_age,preflight_status"
PAGE = "https://panel.example"


def _library(name: str) -> types.ModuleType:
    class CORS:
        def __init__(self, app, allowed_origins=None):
            self.allowed_origins = allowed_origins
            app.after_request(self)
            app.after_error_request(self)

        def __call__(self, request, response):
            response.headers["X-From"] = f"{name} {self.allowed_origins} {request.app.cors is self}"

    module = types.ModuleType(name)
    module.CORS = CORS
    return module


@pytest.fixture
def clock(monkeypatch):
    """A board's microsecond counter, as a list of its one value."""
    now = [0]
    monkeypatch.setattr("time.ticks_us", lambda: now[0], raising=False)
    monkeypatch.setattr("time.ticks_diff", lambda later, earlier: later - earlier, raising=False)
    return now


@pytest.fixture
def app(device, tmp_path, monkeypatch, send, clock):
    def load(module: str) -> None:
        clock[0] += 2500
        if module.startswith("side_"):
            sys.modules[module] = _library(module.removeprefix("side_"))
        else:
            importlib.import_module(module)

    monkeypatch.setattr(device("rig_agent_parts"), "__import__", load, raising=False)
    for name in ("first", "second"):
        monkeypatch.delitem(sys.modules, f"side_{name}", raising=False)
    path = tmp_path / "camrig_rig.json"
    path.write_text('{"token": "sesame"}')
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, path=str(path))
    response = send(app, "PUT", SIDES, TOKEN, [["b", "side_second"], ["a", "side_first"]])
    assert response.json == {"b": [2.5], "a": [2.5]}
    yield app
    for name in ("first", "second"):
        sys.modules.pop(f"side_{name}", None)


@pytest.mark.parametrize("path", ["/api/status", "/nowhere"])
@pytest.mark.parametrize(("side", "name"), [("a", "first"), ("b", "second")])
def test_request_goes_through_the_side_that_it_names(app, send, side, name, path):
    assert (
        send(app, "PUT", "/rig/policy?names=allowed_origins", TOKEN, {"allowed_origins": [PAGE]}).status_code == 200
    )
    answer = send(app, "GET", path, {"X-Rig-Side": side, "Origin": PAGE})
    assert answer.headers["X-From"] == f"{name} {[PAGE]} True"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_other_requests_go_through_the_application_as_it_ships(app, send):
    send(app, "PUT", "/rig/policy?names=allowed_origins", TOKEN, {"allowed_origins": [PAGE]})
    for headers in ({}, {"X-Rig-Side": "-"}, {"X-Rig-Side": "c"}):
        answer = send(app, "GET", "/api/status", {"Origin": PAGE, **headers})
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-From" not in answer.headers


def test_a_side_without_a_module_is_without_cors(app, send):
    assert send(app, "PUT", SIDES, TOKEN, [["-", None]]).json == {}
    assert (
        send(app, "PUT", "/rig/policy?names=allowed_origins", TOKEN, {"allowed_origins": [PAGE]}).status_code == 200
    )
    for path, status in (("/api/status", 200), ("/nowhere", 404)):
        answer = send(app, "GET", path, {"Origin": PAGE, "X-Rig-Side": "-"})
        assert answer.status_code == status
        assert not {"Access-Control-Allow-Origin", "X-From"} & set(answer.headers)


def test_each_load_makes_a_fresh_copy_with_the_policy_in_force(app, send):
    send(app, "PUT", "/rig/policy?names=allowed_origins", TOKEN, {"allowed_origins": [PAGE], "max_age": 60})
    before = sys.modules["side_first"]
    send(app, "PUT", SIDES, TOKEN, [["c", "side_first"]])
    assert sys.modules["side_first"] is not before
    agent = app.dispatch_request.__self__
    assert isinstance(agent.sides["c"].cors, sys.modules["side_first"].CORS)
    assert isinstance(agent.sides["a"].cors, before.CORS)
    assert agent.sides["c"].cors.max_age == 60
    twice = [["d", "side_second"], ["c", "side_first"], ["d", "side_second"]]
    assert send(app, "PUT", SIDES, TOKEN, twice).json == {"d": [2.5, 2.5], "c": [2.5]}
    assert send(app, "GET", "/nowhere", {"X-Rig-Side": "c"}).headers["X-From"] == f"first {[PAGE]} True"


@pytest.mark.parametrize(("path", "ms"), [("/slow", "0.000"), ("/nowhere", "0.000")])
def test_the_time_of_a_side_is_without_that_of_the_route(app, send, clock, path, ms):
    @app.get("/slow")
    async def slow(request):
        clock[0] += 5000
        return "done"

    timed = {"X-Rig-Timing": "1"}
    assert send(app, "GET", path, {"X-Rig-Side": "a", **timed}).headers["Server-Timing"] == f"app;dur={ms}"
    if path == "/slow":
        assert send(app, "GET", path, timed).headers["Server-Timing"] == "app;dur=5.000"


def test_the_time_of_a_side_includes_that_of_its_library(app, send, clock):
    def add_time(request, response):
        clock[0] += 700

    app.dispatch_request.__self__.sides["a"].after_request(add_time)
    answer = send(app, "GET", "/api/status", {"X-Rig-Side": "a", "X-Rig-Timing": "1"})
    assert answer.headers["Server-Timing"] == "app;dur=0.700"


@pytest.mark.parametrize(
    ("sides", "error"),
    [
        ([["a", "no_such_module"]], "ModuleNotFoundError: No module named 'no_such_module'"),
        ([["a", "json"]], "AttributeError: module 'json' has no attribute 'CORS'"),
        ([5], "TypeError: "),
        ([["a"]], "ValueError: "),
    ],
    ids=["no such module", "no class CORS", "not pairs", "no module named"],
)
def test_library_that_cannot_be_loaded_is_an_error(app, send, sides, error):
    answer = send(app, "PUT", SIDES, TOKEN, sides)
    assert answer.status_code == 400
    assert answer.json["error"].startswith(error)
