import asyncio
import json

import network
from answers import answer

with open("/camrig.json") as f:
    settings = json.load(f)


async def serve(reader, writer):
    try:
        method, path, _ = (await reader.readline()).decode().split(" ")
        while (await reader.readline()).strip():
            pass
        writer.write(answer(method, path))
        await writer.drain()
    except (OSError, ValueError):
        pass
    finally:
        writer.close()
        await writer.wait_closed()


async def main():
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect(settings["wifi"]["ssid"], settings["wifi"]["password"])
    while not wlan.isconnected():
        await asyncio.sleep(0.1)
    await asyncio.start_server(serve, "0.0.0.0", settings["port"])
    print("serving http://{}:{}".format(wlan.ifconfig()[0], settings["port"]))
    while True:
        await asyncio.sleep(60)


asyncio.run(main())
