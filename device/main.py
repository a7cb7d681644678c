"""Join Wi-Fi, serve the camera, and print the URL on the console once the server listens."""

import asyncio
import gc

import config


async def announce(app, url):
    while app.server is None:  # set once the socket listens
        await asyncio.sleep(0.02)
    print("camrig: serving", url)


async def serve(app, address, port):
    task = asyncio.create_task(announce(app, "http://{}:{}".format(address, port)))
    try:
        await app.start_server(host="0.0.0.0", port=port)
    finally:
        task.cancel()


async def close(app):
    if app.server:
        app.server.close()
        await asyncio.sleep(0.01)  # the server closes its socket in another task


def main():
    try:
        settings = config.load()
    except ValueError as exc:
        print("camrig: bad settings:", exc)
        return
    if not settings["wifi"] or not settings["wifi"].get("ssid"):
        print("camrig: wifi not configured")
        return
    import wifi

    try:
        network = settings["wifi"]
        address = wifi.join(network["ssid"], network.get("password", ""), sleeps=settings["power_save"])
    except wifi.JoinError:
        return  # the reason is on the console
    from camera_server import create_app

    app = create_app(settings)
    try:
        import rig_agent
    except ImportError:
        pass  # a production board
    else:
        rig_agent.attach(app)
    gc.collect()
    if hasattr(gc, "threshold"):
        # Collecting only when the heap is full fragments it: four clients at once would no longer fit.
        gc.threshold(gc.mem_free() // 4)
    try:
        asyncio.run(serve(app, address, settings["port"]))
    finally:  # also after Ctrl-C: free the port and the sensor
        asyncio.run(close(app))
        app.sensor.close()
        print("camrig: stopped")


main()
