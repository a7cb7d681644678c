"""The server reads a browser's preflight, and sends its answer, in at most two calls of the socket each."""

from __future__ import annotations

import pytest
from camrig.probe.preflight import preflight_headers

CALLS = 2  # at most; each costs a board more than the CORS library does
EXCHANGES = 5
PAGE = "http://192.168.178.20:3000"
# What Chromium sends besides, in words as long as its own.
OF_A_BROWSER = [
    ("Connection", "keep-alive"),
    ("Accept", "*/*"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    ),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Dest", "empty"),
    ("Referer", f"{PAGE}/"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept-Language", "en-US,en;q=0.9"),
]
COUNT = """
class Counted:
    def __init__(self, stream):
        self.stream = stream
        self.reads = self.sends = 0

    def __getattr__(self, name):
        if name in ("read", "readline", "readexactly", "readinto"):
            self.reads += 1
        elif name in ("write", "awrite"):
            self.sends += 1
        return getattr(self.stream, name)


def counting(handle):
    async def handle_counted(reader, writer):
        stream = Counted(reader)
        agent.counted.append(stream)
        await handle(stream, stream)

    return handle_counted


agent.counted = []
app.handle_request = counting(app.handle_request)
"""
COUNTED = """
figures["calls"] = [[stream.reads, stream.sends] for stream in agent.counted]
del app.handle_request, agent.counted
"""


@pytest.mark.functional
def test_a_browsers_preflight_takes_few_socket_calls(dut, policy, measure):
    policy(allowed_origins=[PAGE])
    headers = [*preflight_headers(PAGE, "PUT", ("content-type",)), *OF_A_BROWSER]
    dut.agent.run(COUNT)
    try:
        for _ in range(EXCHANGES):
            assert dut.request("OPTIONS", "/api/status", headers).status < 300
    finally:
        calls = dut.agent.run(COUNTED)["calls"]
    reads, sends = zip(*calls[:EXCHANGES], strict=True)
    measure("server.preflight.reads", reads, unit="calls")
    measure("server.preflight.sends", sends, unit="calls")
    assert max(reads) <= CALLS, f"a preflight took {max(reads)} reads of the socket"
    assert max(sends) <= CALLS, f"a preflight took {max(sends)} writes to the socket"
