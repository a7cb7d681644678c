"""The files that ``camrig init`` writes, as texts."""

from __future__ import annotations

MAIN = '''"""Join Wi-Fi and serve. The rig writes the network, its password and the port into /camrig.json."""

import asyncio
import json
import time

import network
from microdot import Microdot
from microdot.cors import CORS

app = Microdot()
app.cors = CORS(app, allowed_origins=["https://panel.example"])


@app.get("/api/status")
async def status(request):
    return {"ok": True}


def join(ssid, password):
    """Return the board's address in the network."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect(ssid, password)
    for _ in range(200):
        if wlan.isconnected():
            return wlan.ifconfig()[0]
        time.sleep(0.1)
    print("camrig: wifi failed timeout")
    raise OSError("no Wi-Fi")


async def serve(address, port):
    server = asyncio.create_task(app.start_server(host="0.0.0.0", port=port))
    while app.server is None:
        await asyncio.sleep(0.02)
    print("serving http://{}:{}".format(address, port))
    await server


try:
    import rig_agent
except ImportError:
    pass  # a production board
else:
    rig_agent.attach(app)

with open("/camrig.json") as f:
    settings = json.load(f)
asyncio.run(serve(join(settings["wifi"]["ssid"], settings["wifi"]["password"]), settings["port"]))
'''

CORS_TEST = '''"""What pages of other origins may do with the board."""

PANEL = "https://panel.example"


def test_a_listed_page_may_send_requests(dut, preflight):
    dut.policy(allowed_origins=[PANEL])
    answer = preflight(PANEL, "PUT", ("Content-Type",), path="{path}")
    assert answer.header("Access-Control-Allow-Origin") == PANEL


def test_another_page_may_not(dut, preflight):
    dut.policy(allowed_origins=[PANEL])
    answer = preflight("https://other.example", path="{path}")
    assert answer.header("Access-Control-Allow-Origin") is None
'''

HTTP_TEST = '''"""The board answers."""


def test_the_board_answers(http):
    assert http.get("/").status_code < 500
'''

CONFIG = """\
# Settings of camrig. Each is also an option of pytest (--hil-app) and a variable (CAMRIG_APP).
# The Wi-Fi network belongs into camrig.wifi.toml, which git ignores, or into the variables CAMRIG_WIFI_SSID and
# CAMRIG_WIFI_PASSWORD.
app = "{app}"
"""

IGNORED = ("camrig.wifi.toml", "results/")

WORKFLOW = """\
# The tests on camrig's virtual board, at each push. A real board belongs to a runner of your own, and never runs pull
# requests of strangers: they would run on your network.
name: hil
on:
  push:
  pull_request:
permissions:
  contents: read
jobs:
  virtual-board:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install camrig=={version}
      - run: python -m pytest {tests}
"""
