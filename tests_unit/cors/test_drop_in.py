"""What an application written for the class that Microdot 2.7.0 ships relies on, with ``preflight_status = 200``."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from microdot import Microdot
from microdot.cors import CORS
from microdot.test_client import TestClient

PAGE = "https://example.com"


@pytest.fixture(autouse=True)
def _status_of_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CORS, "preflight_status", 200)


def client_of(app: Microdot) -> TestClient:
    @app.route("/", methods=["GET", "POST"])
    async def index(request: Any) -> str:
        return "foo"

    return TestClient(app)


def fetch(client: TestClient, method: str = "GET", path: str = "/", **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(client.request(method, path, headers=sent))


def test_the_signature_is_that_of_microdots_cors() -> None:
    parameters = inspect.signature(CORS.__init__).parameters
    assert {name: value.default for name, value in list(parameters.items())[1:]} == {
        "app": None,
        "allowed_origins": None,
        "allow_credentials": False,
        "allowed_methods": None,
        "expose_headers": None,
        "allowed_headers": None,
        "max_age": None,
        "handle_cors": True,
    }
    assert list(parameters)[1] == "app"
    assert list(inspect.signature(CORS.initialize).parameters) == ["self", "app", "handle_cors"]


def test_listed_origin() -> None:
    app = Microdot()
    cors = CORS(allowed_origins=[PAGE], allow_credentials=True)
    cors.initialize(app)
    client = client_of(app)
    plain = fetch(client)
    assert plain.status_code == 200
    for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary"):
        assert name not in plain.headers
    matched = fetch(client, Origin=PAGE)
    assert matched.headers["Access-Control-Allow-Origin"] == PAGE
    assert matched.headers["Access-Control-Allow-Credentials"] == "true"
    assert matched.headers["Vary"] == "Origin"
    cors.allow_credentials = False
    missing = fetch(client, path="/foo", Origin=PAGE)
    assert missing.status_code == 404
    assert missing.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Credentials" not in missing.headers
    assert missing.headers["Vary"] == "Origin"
    foreign = fetch(client, Origin="https://bad.com")
    assert foreign.status_code == 200
    for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary"):
        assert name not in foreign.headers


def test_all_origins() -> None:
    app = Microdot()
    CORS(app, allowed_origins="*", expose_headers=["X-Test", "X-Test2"])
    client = client_of(app)

    @app.get("/vary")
    async def vary(request: Any) -> tuple[str, dict[str, str]]:
        request.g._vary = {"Accept"}
        return "foo", {"Vary": "X-Foo, X-Bar"}

    plain = fetch(client)
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in plain.headers
    for path, status in (("/", 200), ("/bad", 404)):
        response = fetch(client, path=path, Origin=PAGE)
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert response.headers["Access-Control-Expose-Headers"] == "X-Test, X-Test2"
        assert response.headers["Vary"] == "Origin"
    merged = fetch(client, path="/vary", Origin=PAGE).headers["Vary"].split(", ")
    assert sorted(merged) == ["Accept", "Origin", "X-Bar", "X-Foo"]


def test_preflight_that_echoes() -> None:
    app = Microdot()
    CORS(app, allowed_origins="*")
    client = client_of(app)
    preflight = {"Origin": PAGE, "Access_Control_Request_Method": "POST"}
    response = fetch(client, "OPTIONS", **preflight, Access_Control_Request_Headers="X-Test, X-Test2")
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Allow-Headers"] == "X-Test, X-Test2"
    assert "Access-Control-Max-Age" not in response.headers
    plain = fetch(client, "OPTIONS", Origin=PAGE)
    assert plain.status_code == 200
    assert plain.headers["Access-Control-Allow-Origin"] == PAGE
    for name in ("Max-Age", "Allow-Methods", "Allow-Headers"):
        assert f"Access-Control-{name}" not in plain.headers


def test_preflight_with_lists() -> None:
    app = Microdot()
    CORS(app, allowed_origins="*", max_age=3600, allowed_methods=["POST"], allowed_headers=["X-Test"])
    client = client_of(app)
    preflight = {"Origin": PAGE, "Access_Control_Request_Method": "POST"}
    response = fetch(client, "OPTIONS", **preflight, Access_Control_Request_Headers="X-Test, X-Test2")
    assert response.status_code == 200
    assert response.headers["Access-Control-Max-Age"] == "3600"
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Allow-Headers"] == "X-Test"
    refused = fetch(client, "OPTIONS", Origin=PAGE, Access_Control_Request_Method="GET")
    assert refused.status_code == 200
    assert "Access-Control-Allow-Methods" not in refused.headers
    assert "Access-Control-Allow-Headers" not in refused.headers


def test_without_handle_cors_no_response_gets_headers() -> None:
    app = Microdot()
    CORS(app, allowed_origins="*", handle_cors=False)
    response = fetch(client_of(app))
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Vary" not in response.headers
