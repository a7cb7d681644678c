"""Two libraries behind one application on the board: each request goes through the one that it names."""

from __future__ import annotations

import sys
import types

import pytest

TOKEN = {"X-Rig-Token": "sesame"}
PAGE = "https://panel.example"


def _library(name: str) -> types.ModuleType:
    class CORS:
        def __init__(self, app, allowed_origins=None):
            self.allowed_origins = allowed_origins
            app.after_request(self)
            app.after_error_request(self)

        def __call__(self, request, response):
            response.headers["X-From"] = f"{name} {self.allowed_origins} {request.app.cors is self}"

    found = types.ModuleType(name)
    found.CORS = CORS
    return found


@pytest.fixture
def app(device, tmp_path, monkeypatch, ask):
    for name in ("first", "second"):
        monkeypatch.setitem(sys.modules, f"side_{name}", _library(name))
    path = tmp_path / "camrig_rig.json"
    path.write_text('{"token": "sesame"}')
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, str(path))
    found = ask(app, "PUT", "/rig/sides", TOKEN, {"sides": [["b", "side_second"], ["a", "side_first"]]})
    assert found.json == {"sides": ["a", "b"]}
    return app


@pytest.mark.parametrize("path", ["/api/status", "/nowhere"])
@pytest.mark.parametrize(("side", "name"), [("a", "first"), ("b", "second")])
def test_each_side_answers_for_itself(app, ask, side, name, path):
    assert ask(app, "PUT", "/rig/policy", TOKEN, {"allowed_origins": [PAGE]}).status_code == 200
    answer = ask(app, "GET", path, {"X-Rig-Side": side, "Origin": PAGE})
    assert answer.headers["X-From"] == f"{name} {[PAGE]} True"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_other_requests_go_through_the_application_as_it_ships(app, ask):
    ask(app, "PUT", "/rig/policy", TOKEN, {"allowed_origins": [PAGE]})
    for more in ({}, {"X-Rig-Side": "-"}, {"X-Rig-Side": "c"}):
        answer = ask(app, "GET", "/api/status", {"Origin": PAGE, **more})
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-From" not in answer.headers


@pytest.mark.parametrize("sides", [[["a", "no_such_module"]], [["a", "json"]], 5, [["a"]]])
def test_what_cannot_be_loaded_is_said(app, ask, sides):
    answer = ask(app, "PUT", "/rig/sides", TOKEN, {"sides": sides})
    assert answer.status_code == 400
    assert answer.json["error"].startswith("a library cannot be loaded: ")
