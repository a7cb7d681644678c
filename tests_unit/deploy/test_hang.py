"""Whose code hangs, from the frames of the traceback that Ctrl-C brings."""

from __future__ import annotations

import pytest
from camrig.board.events import Frame, Traceback
from camrig.deploy.hang import hang_of
from camrig.deploy.layers import APPLICATION, LIBRARY

CORS = "lib/microdot/cors.py"
MAIN = ("main.py", "main")
LOOP = [("asyncio/core.py", "run"), ("asyncio/core.py", "run_until_complete")]
IN_TASK = [MAIN, *LOOP, ("lib/microdot/microdot.py", "dispatch_request")]
LINES = ["while True:", "    connection, _ = listener.accept()", "    work()"]


@pytest.fixture
def layers(tmp_path):
    main = tmp_path / "main.py"
    main.write_text("\n".join(LINES))
    return {LIBRARY: {"/" + CORS: tmp_path / "cors.py"}, APPLICATION: {"/main.py": main, "/views.mpy": main}}


@pytest.mark.parametrize(("frames", "layer", "place"), [
    ([*IN_TASK, (CORS, "after_request")], LIBRARY, CORS),
    ([*IN_TASK, ("/" + CORS, "after_request")], LIBRARY, CORS),
    ([*IN_TASK, (CORS, "after_request"), ("lib/microdot/microdot.py", "get")], LIBRARY, CORS),
    ([*IN_TASK, (CORS, "after_request"), ("re.py", "match")], LIBRARY, CORS),
    ([*IN_TASK, (CORS, "dispatch"), ("views.py", "page")], APPLICATION, "views.py"),
    ([*IN_TASK, ("views.py", "page"), (CORS, "origin")], LIBRARY, CORS),
    ([MAIN, ("uasyncio/core.py", "run_until_complete"), (CORS, "after_request")], LIBRARY, CORS),
    ([MAIN, (CORS, "__init__")], LIBRARY, CORS),
    ([*IN_TASK, ("rig_agent.py", "count"), (CORS, "after_request")], LIBRARY, CORS),
    ([*IN_TASK, MAIN], APPLICATION, "main.py"),
    ([("main.py", "<module>", 3)], APPLICATION, "main.py"),
    ([MAIN, *LOOP], "", ""),  # idle in the loop's poll
    ([MAIN, *LOOP, ("asyncio/core.py", "wait_io_event")], "", ""),
    ([*IN_TASK, ("views.py", "page"), ("asyncio/stream.py", "readline"), ("socket.py", "read")], "", ""),
    (IN_TASK, "", ""),
    ([(CORS, "patched"), *LOOP], "", ""),
    ([*IN_TASK, ("rig_agent.py", "do_run"), ("<string>", "<module>")], "", ""),
    ([("main.py", "<module>", 2)], "", ""),  # waits for a connection
    ([("main.py", "<module>", 99)], "", ""),
])  # fmt: skip
def test_the_innermost_frame_of_library_or_application_decides(layers, frames, layer, place):
    frames = tuple(Frame(frame[0], frame[2] if len(frame) > 2 else 1, frame[1]) for frame in frames)
    hang = hang_of(Traceback("text", "KeyboardInterrupt: ", frames), layers)
    assert (hang.layer if hang else "", hang.frame.file.lstrip("/") if hang else "") == (layer, place)


def test_the_line_of_the_source_is_shown(layers):
    frame = Frame("main.py", 3, "<module>")
    hang = hang_of(Traceback("text", "KeyboardInterrupt: ", (frame,)), layers)
    assert hang.summary == "the application hangs: Ctrl-C found it at main.py:3 in <module>"
    assert hang.details.endswith("main.py:3\n  work()\n\ntext")
