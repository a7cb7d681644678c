"""Whether the agent is attached to the application, and knows the library under test. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from camrig.errors import AgentError, DeployError
from camrig.redaction import excerpt

HINTS = (
    ("no module named '?microdot", "the agent works in a Microdot application: deploy Microdot with it"),
    ("not a Microdot application", "pass the Microdot object to rig_agent.attach(app)"),
    ("two CORS objects", "keep the one under test as app.cors, and make no other for this application"),
    (r"^OSError\(2", "the board has no token for the agent: let a test run deploy it"),
)


def agent_off(reason: str) -> AgentError:
    """The error for an agent that has said on the console why it does not answer: an exception, as text."""
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, reason)), "see the console of the board")
    return AgentError(f"the rig's agent is off: {excerpt(reason)}", hint=hint)


def check_library(about: Mapping[str, Any], expected: str, board: str) -> None:
    """Raise DeployError unless the application answers with the library that was deployed as ``expected``."""
    file, used = about.get("cors_file"), about.get("cors_used")
    imported = str(file).lstrip("/")
    if file is None:
        sentence = "the application does not import microdot.cors, so the library does not answer"
        hint = "make the CORS object with microdot.cors.CORS(app, ...)"
    elif imported != expected.lstrip("/"):
        sentence = f"the board imported microdot.cors from {excerpt(imported)}, not from what was deployed"
        hint = "the firmware has a frozen copy, or another file hides it: remove that one"
    elif used is None:
        sentence = "the rig's agent knows no CORS object of the application"
        hint = "keep it as app.cors, or pass it: rig_agent.attach(app, cors=...)"
    elif used is not True:
        sentence = "the application's app.cors is not a CORS object of microdot.cors, so the library does not answer"
        hint = "make it with app.cors = microdot.cors.CORS(app, ...)"
    else:
        return
    raise DeployError(sentence, board=board, hint=hint)
