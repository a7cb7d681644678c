import asyncio
import json

import network
from station import app

try:
    import rig_agent
except ImportError:
    pass  # a production board
else:
    rig_agent.attach(app)


async def main():
    with open("/camrig.json") as f:
        board = json.load(f)
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect(board["wifi"]["ssid"], board["wifi"]["password"])
    while not wlan.isconnected():
        await asyncio.sleep(0.1)
    server = asyncio.create_task(app.start_server(host="0.0.0.0", port=board["port"]))
    while app.server is None:
        await asyncio.sleep(0.02)
    print("station: serving http://{}:{}".format(wlan.ifconfig()[0], board["port"]))
    await server


asyncio.run(main())
