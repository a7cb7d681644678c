"""The agent takes little of the heap of a board; bytes are exact."""

from __future__ import annotations

import json
import subprocess

from tests_unit.device.conftest import INTERPRETER

LIMIT = 5472  # bytes; 4,672 on 32 bits
PARTS_LIMIT = 5472  # bytes
MEASURE = """
import asyncio, gc, hashlib, json, os, sys, time
from microdot import Microdot
from microdot.cors import CORS

class Names:
    pass

def collected():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()

app = Microdot()
app.cors = CORS(app, allowed_origins=["https://a.example"])
# The table of names grows in steps, whoever adds the name that no longer fits: let it have room.
for number in range(3000):
    before = collected()
    hasattr(Names, "name_number_%d" % number)
    if collected() - before > 1000:
        break
before = collected()
import rig_agent
assert rig_agent.attach(app, path=sys.argv[1])
agent = collected() - before
loaded = "rig_agent_parts" in sys.modules
before = collected()
import rig_agent_parts
print(json.dumps([agent, loaded, collected() - before]))
"""


def test_the_agent_takes_little_of_the_heap(built):
    (built / "measure.py").write_text(MEASURE)
    (built / "token.json").write_text('{"token": "sesame"}')
    done = subprocess.run(
        # A module of the current folder: MicroPython keeps the path of a script, and that is another on each machine.
        [INTERPRETER, "-X", "heapsize=2M", "-m", "measure", "token.json"],
        cwd=built,
        env={"MICROPYPATH": "lib:.:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    agent, loaded, parts = json.loads(done.stdout.splitlines()[-1])
    assert 3000 < agent <= LIMIT, done.stdout
    assert not loaded
    assert 3000 < parts <= PARTS_LIMIT, done.stdout
