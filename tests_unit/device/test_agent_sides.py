"""Two libraries loaded side by side: each request goes through the one that it names."""

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

    module = types.ModuleType(name)
    module.CORS = CORS
    return module


@pytest.fixture
def app(device, tmp_path, monkeypatch, send):
    for name in ("first", "second"):
        monkeypatch.setitem(sys.modules, f"side_{name}", _library(name))
    path = tmp_path / "camrig_rig.json"
    path.write_text('{"token": "sesame"}')
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, str(path))
    response = send(app, "PUT", "/rig/sides", TOKEN, [["b", "side_second"], ["a", "side_first"]])
    assert response.json == {"sides": ["a", "b"]}
    return app


@pytest.mark.parametrize("path", ["/api/status", "/nowhere"])
@pytest.mark.parametrize(("side", "name"), [("a", "first"), ("b", "second")])
def test_request_goes_through_the_side_that_it_names(app, send, side, name, path):
    assert send(app, "PUT", "/rig/policy", TOKEN, {"allowed_origins": [PAGE]}).status_code == 200
    answer = send(app, "GET", path, {"X-Rig-Side": side, "Origin": PAGE})
    assert answer.headers["X-From"] == f"{name} {[PAGE]} True"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_other_requests_go_through_the_application_as_it_ships(app, send):
    send(app, "PUT", "/rig/policy", TOKEN, {"allowed_origins": [PAGE]})
    for headers in ({}, {"X-Rig-Side": "-"}, {"X-Rig-Side": "c"}):
        answer = send(app, "GET", "/api/status", {"Origin": PAGE, **headers})
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-From" not in answer.headers


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
    answer = send(app, "PUT", "/rig/sides", TOKEN, sides)
    assert answer.status_code == 400
    assert answer.json["error"].startswith(error)
