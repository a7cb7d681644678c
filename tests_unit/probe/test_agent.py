"""The agent seen from the host: what it sends, and what it refuses before the board is asked."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from camrig.errors import AgentError
from camrig.probe.agent import SENSOR, Agent, Heap, Radio
from camrig.probe.client import Phases, Response

POLICY = (
    "/rig/policy?names=allowed_origins,allowed_methods,expose_headers,allowed_headers,"
    "allow_credentials,max_age,preflight_status"
)


class Board:
    """Records requests and answers each with the same response."""

    def __init__(self, answer: Any = None, status: int = 200) -> None:
        self.answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.status = status
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def send(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        self.requests.append((method, target, dict(headers), body))
        return Response(self.status, "", [], self.answer, Phases(1, 2, 3))

    @property
    def agent(self) -> Agent:
        return Agent(self.send, "sesame")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"allowed_origin": "*"}, "unknown policy key 'allowed_origin'"),
        ({"max_age": "60"}, "max_age cannot be '60'"),
        ({"max_age": True}, "max_age cannot be True"),
        ({"allow_credentials": 1}, "allow_credentials cannot be 1"),
        ({"preflight_status": None}, "preflight_status cannot be None"),
        ({"allowed_origins": {}}, "allowed_origins cannot be {}"),
        ({"max_age": 5, "nonsense": 1}, "unknown policy key 'nonsense'"),
    ],
)
def test_invalid_policy_is_refused_and_never_sent(changes, message):
    board = Board({})
    with pytest.raises(AgentError, match=message):
        board.agent.policy(**changes)
    assert board.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed_origins": None, "allowed_methods": [], "expose_headers": "X-A", "allowed_headers": ["x-a"]},
        {"allow_credentials": False, "max_age": None, "preflight_status": 200},
        {"max_age": -1},
    ],
)
def test_valid_policy_is_sent_as_json(changes):
    board = Board({"max_age": 5})
    assert board.agent.policy(**changes) == {"max_age": 5}
    ((method, target, headers, body),) = board.requests
    assert (method, target, json.loads(body)) == ("PUT", POLICY, changes)
    assert headers == {"X-Rig-Token": "sesame", "Content-Type": "application/json"}


def test_a_policy_is_changed_in_place():
    board = Board({})
    board.agent.policy(in_place=True, allowed_origins=["https://a.example"])
    ((method, target, _, _),) = board.requests
    assert (method, target) == ("PUT", POLICY + "&in_place=1")


def test_policy_without_changes_is_only_read():
    board = Board({"max_age": 5})
    assert board.agent.policy() == {"max_age": 5}
    assert board.requests == [("GET", POLICY, {"X-Rig-Token": "sesame"}, b"")]


def test_request_to_count_is_sent_as_on_the_wire():
    board = Board({"bytes": [5, 6], "kept": 0, "heads": ["HTTP/1.0 204 No Content\r\nVary: Origin\r\n\r\n"]})
    counts = board.agent.allocations("OPTIONS", "/x", [("Origin", "https://a.example")], 2, bare=True)
    assert (counts.bytes, counts.status) == ((5, 6), 204)
    ((method, target, _, body),) = board.requests
    assert (method, target) == ("POST", "/rig/alloc?n=2&times=1&bare=1")
    assert body == b"OPTIONS /x HTTP/1.1\r\nHost: 192.168.178.77\r\nOrigin: https://a.example\r\n\r\n"


def test_several_requests_are_counted_with_their_answers():
    heads = ["HTTP/1.0 204 No Content\r\nVary: Origin\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"]
    board = Board({"bytes": [9], "kept": 64, "heads": heads})
    messages = [("OPTIONS", "/x", [], b""), ("POST", "/y", [], b"{}")]
    count = board.agent.count(messages, 1, "peak", times=2, together=True, cold=True)
    assert (count.bytes, count.kept) == ((9,), 64)
    assert [(response.status, response.headers) for response in count.responses] == [
        (204, [("Vary", "Origin")]),
        (200, []),
    ]
    ((method, target, _, body),) = board.requests
    assert (method, target) == ("POST", "/rig/alloc?n=1&times=2&together=1&cold=1&of=peak")
    host = b"Host: 192.168.178.77\r\n"
    first, second = b"OPTIONS /x HTTP/1.1\r\n%s\r\n", b"POST /y HTTP/1.1\r\n%sContent-Length: 2\r\n\r\n{}"
    assert body == first % host + b"\0" + second % host


@pytest.mark.parametrize(
    ("idf", "regions"), [(None, None), ([[9, 5, 4, 3], [8, 1, 1, 0]], ((9, 5, 4, 3), (8, 1, 1, 0)))]
)
def test_heap_has_both_heaps_and_the_connections(idf, regions):
    assert Board({"free": 7, "alloc": 3, "idf": idf, "connections": 1}).agent.heap() == Heap(7, 3, regions, 1)


@pytest.mark.parametrize(
    ("figures", "radio"),
    [
        ({"rssi": -50, "channel": 6, "pm": 0, "ssid": "lab"}, Radio(-50, 6, 0, "lab")),
        ({"rssi": -50, "channel": 6}, Radio(-50, 6, None, None)),
        ({"ssid": ""}, Radio(None, None, None, None)),
        ({"ssid": ["lab"]}, Radio(None, None, None, None)),
        ({"ssid": "\x1b[31mlab"}, Radio(None, None, None, "\\x1b[31mlab")),
    ],
)
def test_the_radio_names_its_access_point_where_the_board_knows_it(figures, radio):
    assert Board(figures).agent.radio() == radio


def test_client_timeout_is_read_and_set():
    board = Board({"peak": None, "client_timeout_s": 10})
    assert board.agent.client_timeout() == 10
    board.agent.set_client_timeout(1)
    assert [target for _, target, _, _ in board.requests] == ["/rig/settings", "/rig/settings?client_timeout_s=1"]
    assert Board({"client_timeout_s": None}).agent.client_timeout() is None


def test_peak_is_read_when_it_is_stopped():
    board = Board({"peak": 900})
    board.agent.start_peak()
    assert board.agent.stop_peak() == 900
    assert [target for _, target, _, _ in board.requests] == [
        f"/rig/settings{query}" for query in ("?peak=1", "", "?peak=0")
    ]


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (404, b"Not found", "the rig's agent is not attached"),
        (403, b"{}", "refuses this run's token"),
        (400, b'{"error": "ImportError: no module"}', "GET /rig/about with 400: ImportError: no module"),
        (500, b"Internal \xff error", "with 500: b'Internal"),
        (200, b"[]", "with 200"),
        (200, b"", "with 200"),
    ],
)
def test_refusal_of_the_board_is_an_agent_error(status, answer, message):
    with pytest.raises(AgentError, match=message):
        Board(answer, status).agent.about()


class Camera:
    """What an application may have as its ``sensor``."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)

    def capture(self) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("app", "sensor"),
    [
        (SimpleNamespace(), None),
        (SimpleNamespace(sensor=None), None),
        (SimpleNamespace(sensor=SimpleNamespace(name="synthetic")), None),  # a thermometer, perhaps
        (SimpleNamespace(sensor=Camera()), None),
        (SimpleNamespace(sensor=Camera(name=5, error="x")), None),
        (SimpleNamespace(sensor=Camera(name="ov2640")), {"name": "ov2640", "synthetic": False, "error": None}),
        (
            SimpleNamespace(sensor=Camera(name="synthetic", error=OSError("no lens"))),
            {"name": "synthetic", "synthetic": True, "error": "no lens"},
        ),
    ],
)
def test_the_camera_of_any_application_is_read_and_nothing_else(app, sensor):
    names: dict[str, Any] = {"app": app, "figures": {}}
    exec(SENSOR, names)
    board = Board(names["figures"])
    assert board.agent.sensor() == sensor
    (request,) = board.requests
    assert request[3].decode() == SENSOR
