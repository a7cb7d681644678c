"""Routes that an application may have and the camera's has not, added to the one on the board for a few tests.

What follows is run on the board, behind the library under test or past it, and taken away at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from camrig.dut import Dut
from camrig.probe.added_time import BARE

ADD_ROUTES = """
from microdot import Response, abort

class Lens(Exception):
    pass

def answer(request, name):
    if name == "raise":
        raise ValueError("on purpose, by the suite")
    if name == "lens":
        raise Lens()
    if name == "abort":
        abort(418, "Short and stout")
    if name == "stream":
        return Response(iter([b"one ", b"two"]), headers={"Content-Type": "text/plain"})
    if name == "shared":
        return agent.shared
    if name == "redirect":
        return Response.redirect("/api/status")
    if name == "loop":
        return Response.redirect("/suite/loop")
    if name[:2] == "to":
        return Response.redirect("/api/status?" + request.query_string, int(name[2:]))
    if name == "events":
        return Response(iter([b"data: 7\\n\\n"]), headers={"Content-Type": "text/event-stream"})
    body, status, headers = agent.replies[name]
    return body, status, dict(headers)

agent.replies = {}
agent.shared = Response("shared", 200, {"X-Frame": "7"})
agent.before = len(app.url_map)
app.route("/suite/<name>", methods=["GET", "POST"])(answer)
app.error_handlers[Lens] = lambda request, error: ({"error": "no lens"}, 503)
app.error_handlers[402] = lambda request: ("pay", 402)
"""
REMOVE_ROUTES = """
del app.url_map[agent.before:]
del agent.replies, agent.shared, agent.before
for key in list(app.error_handlers):
    if key == 402 or getattr(key, "__name__", "") == "Lens":
        app.error_handlers.pop(key)
"""
# A library may have hooks before requests, too: what these cost is its own.
ADD_BARE_SIDE = f"""
from rig_agent_parts import add_side, without_cors
side = without_cors(agent)
side.before_request_handlers = []
side.cors = app.cors
add_side(agent, {BARE!r}, side)
"""
REMOVE_BARE_SIDE = f"agent.sides.pop({BARE!r})"


@contextmanager
def extra_routes(dut: Dut, **replies: tuple[str, int, dict[str, object]]) -> Iterator[None]:
    """``/suite/NAME`` answers with body, status and headers of that reply; other names are in ADD_ROUTES."""
    dut.agent.run(f"{ADD_ROUTES}\nagent.replies.update({replies!r})")
    try:
        yield
    finally:
        dut.agent.run(REMOVE_ROUTES)


@contextmanager
def bare_side(dut: Dut) -> Iterator[None]:
    """Requests with the header X-Rig-Side and the value ``BARE`` go past the library to the same routes."""
    dut.agent.run(ADD_BARE_SIDE)
    try:
        yield
    finally:
        dut.agent.run(REMOVE_BARE_SIDE)


COUNT_PREFLIGHTS = """
count, agent.uncounted = {}, agent.dispatch_side
agent.preflights = count

async def counting(request):
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        cell = request.args.get("cell")
        count[cell] = count.get(cell, 0) + 1
    return await agent.uncounted(request)

agent.dispatch_side = counting
"""
COUNT_NO_MORE = """
agent.dispatch_side = agent.uncounted
del agent.uncounted, agent.preflights
"""


@contextmanager
def counted_preflights(dut: Dut) -> Iterator[Callable[[str], int]]:
    """How many preflight requests the board got with ``?cell=NAME``, in its own count."""
    dut.agent.run(COUNT_PREFLIGHTS)
    try:
        yield lambda cell: int(dut.agent.run(f"figures['n'] = agent.preflights.get({cell!r}, 0)")["n"])
    finally:
        dut.agent.run(COUNT_NO_MORE)
