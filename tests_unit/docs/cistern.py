"""A repository made from docs/own-firmware.md: its settings, its lines for the agent and its test are the page's own.

The application measures the water in a cistern. It shares nothing with camrig's camera: no file name but ``main.py``
and ``boot.py``, which MicroPython demands, no route, and no class of a server.
"""

from __future__ import annotations

from pathlib import Path

import microdot

from tests_unit.conftest import ROOT
from tests_unit.docs.page import Page

PAGE = Page(ROOT / "docs" / "own-firmware.md")
WIFI = {"CAMRIG_WIFI_SSID": "garden", "CAMRIG_WIFI_PASSWORD": "correct horse"}
ORIGIN = "https://panel.example"

MAIN = """
import asyncio
import json

from cistern import app, my_cors
from uplink import address

{agent}

with open("/camrig.json") as f:
    settings = json.load(f)


async def main():
    server = asyncio.create_task(app.start_server(port=settings["port"]))
    while app.server is None:
        await asyncio.sleep(0.02)
    print("{ready}".format(address(settings["wifi"]), settings["port"]))
    await server


asyncio.run(main())
"""

CISTERN = """
import os
from microdot import Microdot, send_file
from microdot.cors import CORS

app = Microdot()
my_cors = CORS(app, allowed_origins=["https://wall.example"])
{kept}


@app.get("/level")
async def level(request):
    return {{"litres": 1200}}


@app.get("/files/<path:name>")
async def file(request, name):
    return send_file("/" + name, content_type="application/octet-stream")


@app.get("/pump")
async def pump(request):
    os.stat("/no pump")  # raises
"""

UPLINK = """
import network
import time


def address(wifi):
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect(wifi["ssid"], wifi["password"])
    while not wlan.isconnected():
        time.sleep(0.05)
    return wlan.ifconfig()[0]
"""

DATA = {  # of the application; the page's [deploy] table names some of them
    "by_hand.py": "print('by_hand has run')\n",
    "docs/help.md": "help",
    "docs/plan.md": "plan",
    "tests/patterns.txt": "0110",
    "tests/__pycache__/x.pyc": "",
    "static/page.html": "<h1>level</h1>",
    "static/raw/drawing.svg": "<svg/>",
    "drawing.psd": "8BPS",
    "camrig.json": '{"alarm": 90, "port": 1}',
}
LIMITS = '[limits]\nheap.alive = "+512 B"\nheap.leak_slope = "< 1 B/request"\nlevel.time = "+10%"\n'
OUTSIDE = {"web/dist/index.html": "<h1>built</h1>", "web/dist/README.md": "", "../certificates/ca.pem": "ca"}


def make_cistern(folder: Path, *, attached: bool = True, ready: str = "serving http://{}:{}") -> Path:
    """The repository, below ``folder``. Its CORS object is ``app.cors`` if ``attached``, or else passed to the agent.

    The library is Microdot's own CORS under a name of the user's: a copy, as somebody who changes it has one.
    """
    repository = folder / "garden"
    agent = PAGE.code("try:\n    import rig_agent")
    if not attached:
        passed = "rig_agent.attach(app, cors=my_cors)"
        assert any(f"`{passed}`" in sentence for sentence in PAGE.sentences())
        agent = agent.replace("rig_agent.attach(app)", passed)
    library = next(path for base in microdot.__path__ if "site-packages" in base for path in [Path(base) / "cors.py"])
    kept = "app.cors = my_cors" if attached else ""
    files = {
        "camrig.toml": PAGE.code("lib = ") + PAGE.code("[deploy]") + LIMITS,
        "firmware/lib/microdot/cors.py": library.read_text() + "\n\n# the garden's own copy\n",
        "firmware/app/main.py": MAIN.format(agent=agent, ready=ready),
        "firmware/app/boot.py": "started = True\n",
        "firmware/app/cistern.py": CISTERN.format(kept=kept),
        "firmware/app/uplink.py": UPLINK,
        "tests/test_page.py": PAGE.code("def test_panel"),
        **{f"firmware/app/{name}": text for name, text in DATA.items()},
        **OUTSIDE,
    }
    for name, text in files.items():
        path = (repository / name).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (repository / ".git").mkdir()
    return repository
