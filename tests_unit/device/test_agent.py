"""The rig's agent: closed without the token, and outside of what is under test."""

from __future__ import annotations

import ast
import asyncio
import json
import socket
import sys

import pytest

ORIGIN = "https://app.example"
TOKEN = {"X-Rig-Token": "sesame"}
POLICY = "/rig/policy?names=allowed_origins,max_age,allow_credentials,preflight_status"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "camrig_rig.json"
    path.write_text('{"token": "sesame"}')
    return path


@pytest.fixture
def app(device, token_file):
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, path=str(token_file))
    return app


@pytest.mark.parametrize("text", [None, "{}", '{"token": ""}', '{"token": 5}', "{", "[]"])
def test_agent_does_not_attach_without_a_token(device, tmp_path, capsys, send, text):
    path = tmp_path / "token.json"
    if text is not None:
        path.write_text(text)
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, path=str(path)) is False
    assert capsys.readouterr().out.startswith("camrig: rig agent off: ")
    assert send(app, "GET", "/rig/echo").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/rig/policy"),
        ("PUT", "/rig/policy"),
        ("GET", "/rig/heap"),
        ("POST", "/rig/alloc"),
        ("GET", "/rig/about"),
        ("PUT", "/rig/settings"),
        ("PUT", "/rig/sides"),
        ("POST", "/rig/run"),
        ("OPTIONS", "/rig/policy"),
        ("GET", "/rig/none"),
    ],
)
@pytest.mark.parametrize(
    "token",
    [{}, {"X-Rig-Token": "sesam"}, {"X-Rig-Token": "sesamé!"}, {"X-Rig-Token": ""}],
    ids=["none", "part", "other", "empty"],
)
def test_routes_require_the_token(app, send, method, path, token):
    response = send(app, method, path, token, {} if method in ("PUT", "POST") else None)
    assert response.status_code == 403
    assert response.json == {"error": "X-Rig-Token is missing or wrong"}


def test_echo_needs_no_token_and_no_cors(app, send):
    assert send(app, "GET", "/rig/echo", {"Origin": ORIGIN}).text == "ok"
    posted = send(app, "POST", "/rig/echo", {"Content-Type": "text/x-thing", "Origin": ORIGIN}, b"\x00body")
    assert posted.body == b"\x00body"
    assert posted.headers["Content-Type"] == "text/x-thing"
    options = send(app, "OPTIONS", "/rig/echo", PREFLIGHT)
    assert options.status_code == 200
    assert {"GET", "POST", "OPTIONS"} <= set(options.headers["Allow"].split(", "))
    for response in (posted, options):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_changed_policy_shows_in_the_next_preflight(app, send):
    assert "Access-Control-Allow-Origin" not in send(app, "OPTIONS", "/capture", PREFLIGHT).headers
    change = {"allowed_origins": [ORIGIN], "max_age": 60, "allow_credentials": True}
    policy = send(app, "PUT", POLICY, TOKEN, change).json
    assert {name: policy[name] for name in change} == change
    assert send(app, "GET", POLICY, TOKEN).json == policy
    headers = send(app, "OPTIONS", "/capture", PREFLIGHT).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Max-Age"] == "60"
    assert send(app, "PUT", POLICY, TOKEN, {"max_age": None}).json["max_age"] is None
    assert "Access-Control-Max-Age" not in send(app, "OPTIONS", "/capture", PREFLIGHT).headers


MICROPYTHON = {"asyncio", "esp32", "gc", "hashlib", "io", "json", "network", "os", "socket", "sys", "time"}
AS_JSON = {**TOKEN, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [(AS_JSON, "{"), (AS_JSON, ""), (AS_JSON, "5"), (AS_JSON, "\xff"), (TOKEN, '{"max_age": 5}')],
    ids=["half an object", "nothing", "a number", "not UTF-8", "not declared as JSON"],
)
def test_policy_that_is_not_a_json_object_changes_nothing(app, send, headers, body):
    before = send(app, "GET", POLICY, TOKEN).json
    response = send(app, "PUT", "/rig/policy", headers, body.encode("latin-1"))
    assert response.status_code == 400
    assert response.json["error"]
    assert send(app, "GET", POLICY, TOKEN).json == before


@pytest.mark.parametrize(
    ("query", "body"),
    [("?n=1", "GET /capture\r\n\r\n"), ("", "GET / HTTP/1.1\r\n\r\n"), ("?n=5x", "GET / HTTP/1.1\r\n\r\n")],
    ids=["bad request line", "no number", "not a number"],
)
def test_invalid_request_to_count_is_a_400(app, send, query, body):
    response = send(app, "POST", "/rig/alloc" + query, TOKEN, body.encode())
    assert response.status_code == 400
    assert response.json["error"]


def test_heap_and_about_describe_the_application(app, send, device, monkeypatch):
    monkeypatch.setattr(device("rig_agent"), "gc", Heap())
    heap = send(app, "GET", "/rig/heap", TOKEN).json
    assert heap["idf"] is None
    assert heap["connections"] == 0
    about = send(app, "GET", "/rig/about", TOKEN).json
    assert about["cors_file"] == sys.modules["microdot.cors"].__file__
    assert about["cors_used"] is True
    app.cors = object()
    assert send(app, "GET", "/rig/about", TOKEN).json["cors_used"] is False
    del app.cors
    assert send(app, "GET", "/rig/about", TOKEN).json["cors_used"] is None
    assert about["boot_id"] == device("rig_agent").BOOT_ID
    assert len(about["boot_id"]) == 16


def test_request_that_cannot_be_parsed_goes_to_the_application(app):
    response = asyncio.run(app.dispatch_request(None))
    assert response.status_code == 400


class Heap:
    """A collector with a heap of ``size`` bytes, of which each ``mem_alloc`` finds ``step`` more in use."""

    def __init__(self, size: int = 3_000_000, step: int = 400_000) -> None:
        self.size, self.step = size, step
        self.used = 0
        self.calls: list[str] = []

    def mem_alloc(self) -> int:
        self.used += self.step
        return self.used

    def mem_free(self) -> int:
        return self.size - self.used

    def collect(self) -> None:
        self.calls.append("collect")
        self.used = 0

    def disable(self) -> None:
        self.calls.append("disable")

    def enable(self) -> None:
        self.calls.append("enable")


@pytest.fixture
def counting(app, device, monkeypatch):
    """Counts requests on a heap of its own; ``answers`` are the status codes of their responses."""
    from microdot import Response

    agent, heap = device("rig_agent_parts"), Heap()
    monkeypatch.setattr(agent, "gc", heap)

    def run(n: int, answers: list[int], requests: int = 1, **options) -> tuple[dict, Heap]:
        async def dispatch(request):
            run.answered.append(request.path)
            return Response(status_code=answers.pop(0))

        body = b"\0".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(requests))
        return asyncio.run(agent.count(app, dispatch, body, {"n": str(n), **options})), heap

    run.heap = heap
    run.answered = []
    return run


def test_long_count_collects_before_the_heap_is_full(counting):
    result, heap = counting(8, [200] * 10)
    assert result["bytes"] == [400_000] * 8
    assert [head.split("\r\n")[0] for head in result["heads"]] == ["HTTP/1.0 200 OK"]
    assert heap.calls == ["collect", "disable", "collect", "collect", "enable", "collect"]


def test_small_heap_is_collected_before_each_request(counting):
    counting.heap.size, counting.heap.step = 100_000, 400
    result, heap = counting(5, [200] * 7)
    assert result["bytes"] == [400] * 5
    assert heap.calls == ["collect", "disable", *["collect"] * 5, "enable", "collect"]


def test_count_that_runs_out_of_memory_leaves_the_collector_on(counting):
    with pytest.raises(MemoryError, match="no room for a request"):
        counting(5, [200, 200, 500])
    assert counting.heap.calls[-1] == "enable"


def test_count_with_different_answers_is_an_error(counting):
    with pytest.raises(ValueError, match="answered with 204, then with 200"):
        counting(5, [204, 204, 200])
    assert counting.heap.calls[-1] == "enable"


@pytest.mark.parametrize(("options", "turns"), [({}, 5), ({"cold": "1"}, 4), ({"times": "3"}, 3 * 4 + 1)])
@pytest.mark.parametrize("together", [False, True])
def test_a_turn_is_through_all_requests(counting, options, turns, together):
    counting.heap.step = 400
    options = {**options, "together": "1"} if together else options
    result, _ = counting(3, [200] * 2 * turns, requests=2, **options)
    assert sorted(counting.answered) == ["/0"] * turns + ["/1"] * turns
    assert (counting.answered == ["/0", "/1"] * turns) or together
    assert (len(result["bytes"]), len(result["heads"])) == (3, 2)


def test_bytes_alive_are_read_before_the_first_turn_and_after_each(counting):
    counting.heap.step = 400
    result, heap = counting(3, [200] * 4, of="alive", cold="1")
    assert result["bytes"] == [400] * 4
    assert heap.calls == ["collect"] * 4 + ["enable", "collect"]


def test_peak_is_the_most_alive_while_responses_are_written(counting, monkeypatch):
    heap = counting.heap
    alive = iter([500, 500, 600, 900, 700])  # at first, before the turn, and at each piece of its response
    monkeypatch.setattr(heap, "mem_alloc", lambda: next(alive, 600))
    result, _ = counting(1, [200] * 3, of="peak")
    assert result["bytes"] == [400]


@pytest.fixture
def ticking(monkeypatch):
    """A board's microsecond counter, which advances by 1,250 at each call."""
    now = [0]

    def ticks_us() -> int:
        now[0] += 1250
        return now[0]

    monkeypatch.setattr("time.ticks_us", ticks_us, raising=False)
    monkeypatch.setattr("time.ticks_diff", lambda later, earlier: later - earlier, raising=False)


@pytest.mark.parametrize(("method", "path"), [("OPTIONS", "/capture"), ("GET", "/none"), ("GET", "/rig/echo")])
def test_request_with_the_timing_header_is_timed(app, send, ticking, method, path):
    timed = send(app, method, path, {**PREFLIGHT, "X-Rig-Timing": "1"})
    assert timed.headers["Server-Timing"] == "app;dur=1.250"
    assert "Server-Timing" not in send(app, method, path, PREFLIGHT).headers


def test_settings_are_changed_and_answered_as_before(app, send):
    def put(query: str) -> dict:
        return send(app, "PUT", "/rig/settings" + query, TOKEN).json

    assert put("") == {"peak": None, "client_timeout_s": 10}
    assert put("?client_timeout_s=2")["client_timeout_s"] == 10
    assert app.client_timeout_s == 2


def test_peak_is_the_most_alive_at_any_request(app, send, device, monkeypatch):
    heap = Heap(3000, 400)
    monkeypatch.setattr(device("rig_agent_parts"), "gc", heap)

    def put(query: str) -> dict:
        return send(app, "PUT", "/rig/settings" + query, TOKEN).json

    put("?peak=1")
    monkeypatch.setattr(heap, "mem_alloc", lambda: 900)
    send(app, "GET", "/api/status")
    monkeypatch.setattr(heap, "mem_alloc", lambda: 700)
    send(app, "GET", "/api/status")
    assert put("?peak=0")["peak"] == 900
    assert put("")["peak"] is None


def test_unknown_route_of_the_agent_is_a_404(app, send):
    assert send(app, "GET", "/rig/none", TOKEN).status_code == 404


@pytest.fixture
def settings(device, tmp_path, monkeypatch):
    """Writes the file of the board's settings."""
    path = tmp_path / "camrig.json"
    monkeypatch.setattr(device("rig_agent_parts"), "SETTINGS_FILE", str(path))
    return lambda **values: path.write_text(json.dumps(values))


def test_tcp_echo_serves_beside_the_application(app, settings):
    from microdot.test_client import TestClient

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings(port=port - 1)

    async def main() -> None:
        client = TestClient(app)
        for word in (b"word", b""):
            assert (await client.get("/rig/echo_port", headers=dict(TOKEN))).json == {"port": port}
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(word)
            writer.write_eof()
            assert await reader.read() == word
            writer.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_echo_port_in_use_is_reported(app, send, settings):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        settings(port=taken.getsockname()[1] - 1)
        echo = send(app, "GET", "/rig/echo_port", TOKEN).json
    assert echo["port"] is None
    assert echo["error"]


def test_lists_are_changed_in_place(app, send):
    send(app, "PUT", POLICY, TOKEN, {"allowed_origins": [ORIGIN, "https://b.example"]})
    before = app.cors.allowed_origins
    assert "Access-Control-Allow-Origin" in send(app, "OPTIONS", "/capture", PREFLIGHT).headers
    policy = send(app, "PUT", POLICY + "&in_place=1", TOKEN, {"allowed_origins": ["https://c.example"]}).json
    assert policy["allowed_origins"] == ["https://c.example"]
    assert app.cors.allowed_origins is before
    assert "Access-Control-Allow-Origin" not in send(app, "OPTIONS", "/capture", PREFLIGHT).headers
    send(app, "PUT", POLICY, TOKEN, {"allowed_origins": "*"})
    refusal = send(app, "PUT", POLICY + "&in_place=1", TOKEN, {"allowed_origins": []})
    assert refusal.status_code == 400
    assert refusal.json["error"].startswith("TypeError")


def test_the_cors_object_may_be_passed_and_two_are_refused(device, token_file, send, capsys):
    app = device("camera_server").create_app()
    cors, attach = app.cors, device("rig_agent").attach
    assert not attach(app, type(cors)(app), str(token_file))
    assert "two CORS objects" in capsys.readouterr().out
    assert attach(app, cors, str(token_file))
    del app.cors
    assert send(app, "GET", "/rig/about", TOKEN).json["cors_used"] is True
    assert send(app, "PUT", POLICY, TOKEN, {"max_age": 7}).json["max_age"] == cors.max_age == 7


@pytest.mark.parametrize("name", ["rig_agent", "rig_agent_parts"])
def test_the_agent_imports_micropython_and_microdot_alone(device_folder, name):
    nodes = list(ast.walk(ast.parse((device_folder / f"{name}.py").read_text())))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    own = {path.stem for path in device_folder.glob("*.py")} - {"rig_agent", "rig_agent_parts"}
    assert modules
    assert modules.isdisjoint(own)
    assert {module.partition(".")[0] for module in modules} <= MICROPYTHON | {"microdot", "rig_agent_parts"}


@pytest.mark.parametrize("app", [None, object(), "camera"])
def test_another_object_than_an_application_is_refused(device, token_file, capsys, app):
    assert not device("rig_agent").attach(app, path=str(token_file))
    assert "camrig: rig agent off: " in (out := capsys.readouterr().out)
    assert "not a Microdot application" in out


def test_source_is_run_with_agent_and_application(app, send):
    assert send(app, "POST", "/rig/run", TOKEN, b"agent.seen = app").status_code == 200
    assert app.dispatch_request.__self__.seen is app


def test_source_sends_back_its_figures(app, send):
    assert send(app, "POST", "/rig/run", TOKEN, b"figures['one'] = 1").json == {"one": 1}
    assert send(app, "POST", "/rig/run", TOKEN, b"answer = 2").json == {}


def test_source_that_raises_is_a_400(app, send):
    response = send(app, "POST", "/rig/run", TOKEN, b"app.none")
    assert response.status_code == 400
    assert "AttributeError" in response.json["error"]
