"""What a run says of an application whose answers are broken, while requests without CORS are answered."""

from __future__ import annotations

from tests_unit.conftest import ROOT

SUITE = r'''
import pytest

ROUTES = r"""
ANSWERS = {
    "cut": b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
    "noise": b"\x1b[2J\x00\r\n\r\n",
    "drip": b"HTTP/1.0 200 OK\r\n\r\n",
}
async def broken(request, name, answers=ANSWERS):
    from asyncio import sleep_ms
    from microdot import Response
    await request.sock[1].awrite(answers[name])
    while name == "drip":
        await request.sock[1].awrite(b"x")
        await sleep_ms(20)
    return Response.already_handled
app.get("/broken/<name>")(broken)
"""


@pytest.fixture(scope="module", autouse=True)
def routes(dut):
    dut.agent.run(ROUTES)


@pytest.mark.parametrize("name", ["cut", "noise"])
def test_by_dut(dut, name):
    assert dut.request("GET", f"/broken/{name}").status == 200


def test_by_http(http):
    assert http.get("/broken/cut").status_code == 200


def test_drip(http):
    http.get("/broken/drip", timeout=0.3)


def test_stream(http):
    with http.get("/broken/cut", stream=True) as response:
        assert response.content


def test_good_answer(http):
    assert http.get("/api/status").json()
'''
FAILED = (
    ("cut", "(the response was cut off after 4 of 99 bytes) while "),
    ("noise", r"(the server sent b'\x1b[2J\x00\r\n\r\n', not an HTTP response) while "),
)


def test_an_application_that_sends_broken_answers_has_failed(crash):
    ended = crash(SUITE, "--hil-app", str(ROOT / "device"))
    assert ended.code == 1, ended.out
    assert "3 failed, 1 passed, 2 blocked" in ended.out
    for name, cause in FAILED:
        lines = [line for line in ended.out.splitlines() if f"GET /broken/{name} was lost" in line]
        assert lines
        assert all(cause in line for line in lines), (cause, lines)
    assert "GET /broken/drip got no answer (" in ended.out
    assert "timed out after 0.3 s, " in ended.out
    assert "sim: the body of a response was lost (the response was cut off after 4 of 99 bytes)" in ended.out
    assert "Traceback" not in ended.out
    assert "\x1b[2J" not in ended.out
