"""The clients of the rig before a hostile server: each returns status and body, or its typed error."""

from __future__ import annotations

from collections.abc import Callable

from camrig.errors import AgentError
from camrig.probe.agent import Agent
from camrig.probe.client import Response, exchange, request_bytes
from camrig.probe.requests_session import HttpSession, NoAnswerError
from camrig.probe.response_parser import LostExchangeError
from camrig.probe.sampling import tcp_echo

from tests_unit.probe.hostile_answers import HostileServer

Result = tuple[int, bytes] | Exception


def by_probe(server: HostileServer, seconds: float) -> Result:
    try:
        response = exchange(*server.address, request_bytes("GET", "/", "board", []), seconds)
    except LostExchangeError as error:
        return error
    return response.status, response.body


def by_session(server: HostileServer, seconds: float, stream: bool = False) -> Result:
    url = "http://{}:{}".format(*server.address)
    try:
        with HttpSession(url, "board 7", seconds=seconds) as session, session.get("/", stream=stream) as response:
            return response.status_code, b"".join(response.iter_content(1000)) if stream else response.content
    except NoAnswerError as error:
        return error


def by_stream(server: HostileServer, seconds: float) -> Result:
    return by_session(server, seconds, stream=True)


def by_agent(server: HostileServer, seconds: float) -> Result:
    def send(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        return exchange(*server.address, request_bytes(method, target, "board", headers, body), seconds)

    try:
        heap = Agent(send, "token").heap()
    except (AgentError, LostExchangeError) as error:
        return error
    return heap.free, b""


def by_echo(server: HostileServer, seconds: float) -> Result:
    try:
        tcp_echo(*server.address, seconds)
    except LostExchangeError as error:
        return error
    return 0, b""


CLIENTS: dict[str, Callable[[HostileServer, float], Result]] = {
    "dut.request": by_probe,
    "http": by_session,
    "http, stream=True": by_stream,
    "the agent": by_agent,
    "the TCP echo": by_echo,
}
