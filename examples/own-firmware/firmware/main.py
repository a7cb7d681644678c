import asyncio
import json

from doorbell import app
from radio import join

try:
    import rig_agent
except ImportError:
    pass  # a production board
else:
    rig_agent.attach(app)


async def main():
    with open("/camrig.json") as f:
        settings = json.load(f)
    address = await join(settings["wifi"])
    server = asyncio.create_task(app.start_server(host="0.0.0.0", port=settings["port"]))
    while app.server is None:
        await asyncio.sleep(0.02)
    print("doorbell: serving http://{}:{}".format(address, settings["port"]))
    await server


asyncio.run(main())
