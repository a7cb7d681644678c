import asyncio

from http_server import Server
from microdot.cors import CORS

app = Server()
app.client_timeout_s = 5
app.cors = CORS(app, allowed_origins=["https://panel.example"], expose_headers=["Retry-After"])
settings = {"interval_ms": 200}


class Readings:
    """Server-sent events, without an end."""

    number = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.number += 1
        if self.number > 1:
            await asyncio.sleep(settings["interval_ms"] / 1000)
        return "data: {}\n\n".format(self.number)


@app.get("/readings")
async def readings(request):
    return Readings(), {"Content-Type": "text/event-stream"}


@app.route("/settings", methods=["GET", "PUT"])
async def put_settings(request):
    if request.method == "PUT":
        settings.update(request.json)
    return {"listeners": app.streams, "connections": len(app.connections), "settings": settings}
