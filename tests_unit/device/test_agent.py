"""The rig's hand in the server: shut without the token, and outside of what is under test."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading

import pytest

ORIGIN = "https://app.example"
TOKEN = {"X-Rig-Token": "sesame"}
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "camrig_rig.json"
    path.write_text('{"token": "sesame"}')
    return path


@pytest.fixture
def app(device, token_file):
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, str(token_file))
    return app


@pytest.mark.parametrize("text", [None, "{}", '{"token": ""}', '{"token": 5}', "{", "[]"])
def test_refuses_to_attach_without_a_token(device, tmp_path, capsys, ask, text):
    path = tmp_path / "token.json"
    if text is not None:
        path.write_text(text)
    app = device("camera_server").create_app()
    assert device("rig_agent").attach(app, str(path)) is False
    assert capsys.readouterr().out.startswith("camrig: rig agent off: ")
    assert ask(app, "GET", "/rig/echo").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/rig/policy"),
        ("PUT", "/rig/policy"),
        ("GET", "/rig/heap"),
        ("POST", "/rig/alloc"),
        ("GET", "/rig/about"),
        ("POST", "/rig/reset"),
        ("OPTIONS", "/rig/policy"),
        ("GET", "/rig/none"),
    ],
)
@pytest.mark.parametrize("token", [{}, {"X-Rig-Token": "sesam"}, {"X-Rig-Token": "sesamé!"}, {"X-Rig-Token": ""}])
def test_asks_for_the_token(app, ask, method, path, token):
    response = ask(app, method, path, token, {} if method in ("PUT", "POST") else None)
    assert response.status_code == 403
    assert response.json == {"error": "X-Rig-Token is missing or wrong"}


def test_echo_needs_no_token_and_no_cors(app, ask):
    assert ask(app, "GET", "/rig/echo", {"Origin": ORIGIN}).text == "ok"
    posted = ask(app, "POST", "/rig/echo", {"Content-Type": "text/x-thing", "Origin": ORIGIN}, b"\x00body")
    assert posted.body == b"\x00body"
    assert posted.headers["Content-Type"] == "text/x-thing"
    options = ask(app, "OPTIONS", "/rig/echo", PREFLIGHT)
    assert options.status_code == 200
    assert {"GET", "POST", "OPTIONS"} <= set(options.headers["Allow"].split(", "))
    for response in (posted, options):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_a_changed_policy_shows_in_the_next_preflight(app, ask):
    assert "Access-Control-Allow-Origin" not in ask(app, "OPTIONS", "/capture", PREFLIGHT).headers
    change = {"allowed_origins": [ORIGIN], "max_age": 60, "allow_credentials": True}
    policy = ask(app, "PUT", "/rig/policy", TOKEN, change).json
    assert {name: policy[name] for name in change} == change
    assert ask(app, "GET", "/rig/policy", TOKEN).json == policy
    headers = ask(app, "OPTIONS", "/capture", PREFLIGHT).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Max-Age"] == "60"
    assert ask(app, "PUT", "/rig/policy", TOKEN, {"max_age": None}).json["max_age"] is None
    assert "Access-Control-Max-Age" not in ask(app, "OPTIONS", "/capture", PREFLIGHT).headers


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"allowed_origin": "*"}', "unknown policy key 'allowed_origin'"),
        ('{"max_age": "60"}', 'max_age cannot be "60"'),
        ('{"allow_credentials": 1}', "allow_credentials cannot be 1"),
        ('{"preflight_status": null}', "preflight_status cannot be null"),
        ('{"allowed_origins": {}}', "allowed_origins cannot be {}"),
        ("\xff", "not valid JSON"),
    ],
)
def test_a_policy_that_makes_no_sense_changes_nothing(app, ask, body, why):
    before = ask(app, "GET", "/rig/policy", TOKEN).json
    response = ask(app, "PUT", "/rig/policy", TOKEN, body.encode("latin-1"))
    assert response.status_code == 400
    assert why in response.json["error"]
    assert ask(app, "GET", "/rig/policy", TOKEN).json == before


def test_one_bad_key_spoils_the_whole_change(app, ask):
    ask(app, "PUT", "/rig/policy", TOKEN, {"max_age": 5, "nonsense": 1})
    assert ask(app, "GET", "/rig/policy", TOKEN).json["max_age"] is None


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"path": "capture"},
        {"path": "/a b"},
        {"path": "/\r\nX: y"},
        {"path": "/", "method": 5},
        {"path": "/", "headers": {"a": 1}},
        {"path": "/", "headers": [["a"]]},
        {"path": "/", "headers": [["a", "b\nc"]]},
        {"path": "/", "n": 0},
        {"path": "/", "n": "5"},
        {"path": "/", "body": 5},
    ],
)
def test_an_order_to_count_that_makes_no_sense(app, ask, order):
    response = ask(app, "POST", "/rig/alloc", TOKEN, order)
    assert response.status_code == 400
    assert response.json["error"]


def test_counting_needs_micropython(app, ask):
    assert ask(app, "POST", "/rig/alloc", TOKEN, {"path": "/"}).status_code == 501


def test_heap_and_about(app, ask, device):
    heap = ask(app, "GET", "/rig/heap", TOKEN).json
    assert heap["idf"] is None
    assert heap["uptime_ms"] >= 0
    about = ask(app, "GET", "/rig/about", TOKEN).json
    assert about["cors_file"] == sys.modules["microdot.cors"].__file__
    assert about["microdot"].startswith("2.7")
    assert about["boot_id"] == device("rig_agent").BOOT_ID
    assert len(about["boot_id"]) == 16


def test_reset_answers_first(app, device, firmware):
    pressed = threading.Event()
    firmware("machine", reset=pressed.set)

    async def scene() -> None:
        from microdot.test_client import TestClient

        response = await TestClient(app).post("/rig/reset", headers=dict(TOKEN))
        assert response.status_code == 202
        assert not pressed.is_set()
        while not pressed.is_set():
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scene(), 5))


def test_what_cannot_be_parsed_goes_to_the_application(app):
    response = asyncio.run(app.dispatch_request(None))
    assert response.status_code == 400


class Heap:
    """A collector with a heap of ``size`` bytes, where each look at it comes after ``step`` more."""

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
    """Counts rounds on a heap of its own; answers are the status codes of the rounds."""
    from microdot import Response

    agent, heap = device("rig_agent"), Heap()
    monkeypatch.setattr(agent, "gc", heap)

    def run(n: int, answers: list[int]) -> tuple[dict, Heap]:
        async def dispatch(request):
            return Response(status_code=answers.pop(0))

        return asyncio.run(agent.count(app, dispatch, b"GET / HTTP/1.1\r\n\r\n", n)), heap

    run.heap = heap
    return run


def test_a_long_count_collects_before_the_heap_is_full(counting):
    result, heap = counting(5, [200] * 6)
    assert result == {"n": 5, "bytes": [400_000] * 5, "status": 200}
    assert heap.calls == ["disable", "collect", "collect", "collect", "enable"]


def test_a_small_heap_is_collected_before_each_round(counting):
    counting.heap.size, counting.heap.step = 100_000, 400
    result, heap = counting(5, [200] * 6)
    assert result["bytes"] == [400] * 5
    assert heap.calls == ["disable", *["collect"] * 6, "enable"]


def test_a_round_that_runs_out_of_memory_spoils_the_count_and_leaves_the_collector_on(counting):
    with pytest.raises(MemoryError):
        counting(5, [200, 200, 500])
    assert counting.heap.calls[-1] == "enable"


def test_a_round_with_another_answer_than_the_first_is_no_want_of_memory(counting):
    with pytest.raises(ValueError, match="answered with 204, then with 200"):
        counting(5, [204, 204, 200])
    assert counting.heap.calls[-1] == "enable"


@pytest.fixture
def ticking(monkeypatch):
    """A board's microsecond counter, which steps by 1,250 at each look."""
    now = [0]

    def ticks_us() -> int:
        now[0] += 1250
        return now[0]

    monkeypatch.setattr("time.ticks_us", ticks_us, raising=False)
    monkeypatch.setattr("time.ticks_diff", lambda later, earlier: later - earlier, raising=False)


@pytest.mark.parametrize(("method", "path"), [("OPTIONS", "/capture"), ("GET", "/none"), ("GET", "/rig/echo")])
def test_a_request_that_asks_for_it_is_timed(app, ask, ticking, method, path):
    asked = ask(app, method, path, {**PREFLIGHT, "X-Rig-Timing": "1"})
    assert asked.headers["Server-Timing"] == "app;dur=1.250"
    assert "Server-Timing" not in ask(app, method, path, PREFLIGHT).headers


def test_settings_of_the_run(app, ask, device):
    def put(query: str) -> dict:
        return ask(app, "PUT", "/rig/settings" + query, TOKEN).json

    assert put("") == {"peak": None, "patience_s": 10}
    assert put("?patience_s=2")["patience_s"] == 10
    assert app.patience_s == 2
    assert put("?peak=1")["peak"] is None  # this interpreter cannot tell what is allocated


def test_the_peak_is_the_most_alive_at_any_request(app, ask, device, monkeypatch):
    heap = Heap(3000, 400)
    monkeypatch.setattr(device("rig_agent"), "gc", heap)

    def put(query: str) -> dict:
        return ask(app, "PUT", "/rig/settings" + query, TOKEN).json

    put("?peak=1")
    monkeypatch.setattr(heap, "mem_alloc", lambda: 900)
    ask(app, "GET", "/api/status")
    monkeypatch.setattr(heap, "mem_alloc", lambda: 700)
    ask(app, "GET", "/api/status")
    assert put("?peak=0")["peak"] == 900
    assert put("")["peak"] is None


def test_unknown_orders_are_404(app, ask):
    assert ask(app, "GET", "/rig/none", TOKEN).status_code == 404


def test_a_tcp_echo_beside_the_server(app, device, monkeypatch):
    from microdot.test_client import TestClient

    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    monkeypatch.setattr(device("config"), "load", lambda: {"port": port - 1})

    async def scene() -> None:
        client = TestClient(app)
        assert (await client.get("/rig/about", headers=dict(TOKEN))).json["echo"] == {"port": port}
        for word in (b"word", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(word)
            writer.write_eof()
            assert await reader.read() == word
            writer.close()
        again = (await client.get("/rig/about", headers=dict(TOKEN))).json
        assert again["echo"] == {"port": port}
        assert set(again["wifi"]) == {"rssi", "channel", "pm"}

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_an_echo_port_that_is_taken_is_said(app, ask, device, monkeypatch):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        monkeypatch.setattr(device("config"), "load", lambda: {"port": taken.getsockname()[1] - 1})
        told = ask(app, "GET", "/rig/about", TOKEN).json["echo"]
    assert told["port"] is None
    assert told["error"]
