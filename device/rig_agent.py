"""The rig's agent in the server: CORS policy, heaps, allocations, timing, echo. Never part of a production deploy.

It needs MicroPython and Microdot alone, and works in any Microdot application. Its routes lie under ``/rig/`` on an
application of their own, without CORS, so what is under test stays as it ships.
All but ``/rig/echo`` require the header ``X-Rig-Token``. A request with the header ``X-Rig-Timing`` is answered with
``Server-Timing: app;dur=<milliseconds>``, the time in the application; no other response is changed. Once several
CORS libraries are loaded side by side, the header ``X-Rig-Side`` names the one that a request goes through, and its
time is without that of the route's own function, which would drown what CORS adds.

Each byte that this module keeps is missing on the board under test, so the rig checks and formats what it can on the
host (see camrig/probe/agent.py, the only client), and counts bytes in a module that is loaded when it is needed.
"""

try:
    import gc
    import hashlib
    import json
    import os
    import sys
    import time

    from microdot import Microdot, Response
except ImportError as exc:
    print("camrig: rig agent off:", exc)  # the application takes this for a production board
    raise

BOOT_ID = os.urandom(8).hex()


def attach(app, cors=None, path="/camrig_rig.json"):
    """Serve ``/rig/`` beside the application's own routes; False, with a line on the console, where that cannot be.

    ``cors`` is the application's CORS object, ``app.cors`` where none is passed.
    """
    try:
        if not hasattr(app, "dispatch_request"):
            raise ValueError("attached to what is not a Microdot application")
        if cors and getattr(app, "cors", cors) is not cors:
            raise ValueError("two CORS objects, app.cors and another")
        with open(path) as f:
            token = json.load(f)["token"]
        if not token:
            raise ValueError("no token")
        token = _digest(token)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        print("camrig: rig agent off:", repr(exc))
        return False
    # On the instance: every request passes here, and the application's hooks and routes are untouched.
    app.dispatch_request = Agent(app, token, cors).dispatch
    print("camrig: rig agent on")
    return True


class Agent:
    """Passes requests on to the application, and answers ``/rig/NAME`` itself with the method ``do_NAME``.

    What is needed seldom is the function ``NAME`` of the module rig_agent_parts.
    """

    def __init__(self, app, token, cors):
        self.app = app
        self.cors_object = cors
        self.dispatch_app = self.dispatch_side = app.dispatch_request
        self.token = token
        self.routes = Microdot()
        self.routes.route("/rig/<name>", methods=["GET", "POST", "PUT"])(self.answer)  # each pattern costs heap
        self.sides = {}  # name: the application's routes behind another CORS library

    async def dispatch(self, request):
        if request is None:
            return await self.dispatch_app(None)
        timed = "X-Rig-Timing" in request.headers
        dispatch = self.dispatch_own if request.path.startswith("/rig/") else self.dispatch_side
        request.apart = 0  # microseconds that do not count
        start = timed and time.ticks_us()
        response = await dispatch(request)
        if timed:
            us = time.ticks_diff(time.ticks_us(), start) - request.apart
            response.headers["Server-Timing"] = "app;dur={:.3f}".format(us / 1000)
        return response

    async def dispatch_own(self, request):
        if request.path != "/rig/echo" and _digest(request.headers.get("X-Rig-Token", "")) != self.token:
            refusal = Response({"error": "X-Rig-Token is missing or wrong"}, 403)
            refusal.is_head = request.method == "HEAD"
            return refusal
        return await self.routes.dispatch_request(request)

    async def answer(self, request, name):
        try:
            method = getattr(self, "do_" + name, None)
            if method:
                return method(request)
            import rig_agent_parts

            function = getattr(rig_agent_parts, name, None)
            return await function(self, request) if function else 404
        except Exception as exc:
            return {"error": "{}: {}".format(type(exc).__name__, exc)}, 400

    def do_about(self, request):
        module = sys.modules.get("microdot.cors")
        cors = self.cors()
        return {
            "cors_file": getattr(module, "__file__", None),
            "cors_used": cors and isinstance(cors, getattr(module, "CORS", ())),
            "boot_id": BOOT_ID,
        }

    def do_echo(self, request):
        if request.method != "POST":
            return "ok"
        return request.body, {"Content-Type": request.content_type or "application/octet-stream"}

    def do_heap(self, request):
        try:
            import esp32

            idf = [list(region) for region in esp32.idf_heap_info(esp32.HEAP_DATA)]
        except (ImportError, AttributeError):
            idf = None
        gc.collect()
        connections = len(self.app.connections) if hasattr(self.app, "connections") else None
        return {"free": gc.mem_free(), "alloc": gc.mem_alloc(), "idf": idf, "connections": connections}

    def do_policy(self, request):
        """Change what the JSON names, by assignment, or with ``in_place`` the lists themselves."""
        for cors in [self.cors()] + [side.cors for side in self.sides.values()]:
            for name, value in (request.json or {}).items():
                if "in_place" in request.args:
                    getattr(cors, name)[:] = value
                else:
                    setattr(cors, name, value)
        # Only preflight_status may be absent.
        return {name: getattr(self.cors(), name, 200) for name in request.args["names"].split(",")}

    def do_run(self, request):
        """Run the body, Python source that sees ``agent`` and ``app``; the answer is what it puts in ``figures``."""
        names = {"agent": self, "app": self.app, "figures": {}}
        exec(request.body.decode(), names)
        return names["figures"]

    def cors(self):
        return self.cors_object or getattr(self.app, "cors", None)


def _digest(token):
    # Digests are compared instead of tokens, so that the time taken tells nothing about the token.
    return hashlib.sha256(token.encode()).digest()
