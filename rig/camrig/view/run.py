"""``camrig view`` from the board to Ctrl-C."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

from camrig.bringup.board import Board
from camrig.dut import Dut
from camrig.errors import CamrigError, ServerSilentError
from camrig.redaction import visible
from camrig.settings.resolve import Settings
from camrig.steps import Steps, printed_steps
from camrig.view.reading import status_of
from camrig.view.server import PageServer

SECONDS_TO_RESTART = 2.0
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")


def view(settings: Settings, address: str, port: int, allow: bool) -> None:
    """Show the board of the settings, or what answers at ``address``, on a page at ``port``, until Ctrl-C.

    ``allow``: put the application on the board first, with a policy that lets the page in. A virtual board gets the
    application in any case. Raises what keeps the board from serving.
    """
    address = address and _clean(address)
    spec = settings.device[0]
    server = PageServer(port, urlsplit(address).netloc or ("virtual board" if settings.is_virtual(spec) else spec))
    with ExitStack() as stack:
        stack.callback(server.server_close)
        steps = printed_steps()
        if address:
            server.url = address
            with steps("answer") as note:
                reading = status_of(server.url)
                if reading.error:
                    raise ServerSilentError(
                        f"no HTTP answer: {reading.error}",
                        board=server.url,
                        hint="check that it is on, that this computer is in its network, and the address",
                    )
                note(f"{reading.milliseconds:.0f} ms")
            watch: Callable[[], None] = lambda: time.sleep(0.5)  # noqa: E731
        else:
            dut = stack.enter_context(_serving(settings, steps, server.origin if allow else None))
            server.url = _clean(dut.url)
            watch = _Watch(dut, server, steps)
        _serve(server, watch)


def _serve(server: PageServer, watch: Callable[[], None]) -> None:
    server.start()
    print(f"\nthe camera   {server.url}\nits page     {server.origin}\n\nCtrl-C ends it.", flush=True)
    try:
        while True:
            watch()
    except KeyboardInterrupt:
        print("ended", flush=True)
    finally:
        server.shutdown()


@contextmanager
def _serving(settings: Settings, steps: Steps, origin: str | None) -> Iterator[Dut]:
    """The board, booted. It runs its application again in any case, also after Ctrl-C."""
    spec = settings.device[0]
    with Board(spec, settings, steps) as board:
        is_started = False
        try:
            if origin is not None or settings.is_virtual(spec):
                changes = {"cors": {"allowed_origins": [origin]}} if origin is not None else None
                board.deploy(changes=changes, measure_imports=False)  # nothing is judged here
            dut = board.boot()
            is_started = True
            yield dut
        finally:
            if not is_started:
                with suppress(CamrigError):
                    board.session.restart()


class _Watch:
    """Says on the terminal and on the page what happens to the board meanwhile."""

    def __init__(self, dut: Dut, server: PageServer, steps: Steps) -> None:
        self._dut, self._server, self._steps = dut, server, steps
        self._is_down = False

    def __call__(self) -> None:
        crashes = self._dut.crash_monitor
        if self._is_down:
            time.sleep(SECONDS_TO_RESTART)  # what it prints meanwhile belongs to the same crash
            if not status_of(self._server.url).error:
                crashes.forget()
                self._is_down = False
                self._steps.say("the board answers again")
        elif (crash := crashes.wait(0.5)) is not None:
            self._is_down = True
            self._server.notice = f"Its console said: {visible(crash.summary)}."
            self._steps.say(f"{crash.summary}; the page goes on trying")


def _clean(url: str) -> str:
    """The URL as it may stand in a header: what a board prints is anything. Raises ServerSilentError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not HOST.fullmatch(host):
        raise ServerSilentError(
            f"{url} is not an address that a browser can open", hint="name its address, http://HOST:PORT"
        )
    return f"http://{f'[{host}]' if ':' in host else host}:{parts.port or 80}".removesuffix(":80")
