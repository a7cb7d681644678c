import asyncio

import network


async def join(wifi):
    """Return the board's address in the network."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect(wifi["ssid"], wifi["password"])
    for _ in range(200):
        if wlan.isconnected():
            return wlan.ifconfig()[0]
        await asyncio.sleep(0.1)
    print("camrig: wifi failed timeout")
    raise OSError("no Wi-Fi")
