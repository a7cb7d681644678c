"""A task that ended in an exception is the application's own doing, or the network's, or the rig's."""

from __future__ import annotations

import pytest
from camrig.board.crash_error import AGENT_FILES, is_applications_own
from camrig.board.events import Frame, SoftRebooted, TaskFailed
from camrig.deploy.layers import AGENT_MODULES


@pytest.mark.parametrize(
    ("file", "error", "own"),
    [
        ("main.py", "ValueError: no such page", True),
        ("lib/microdot/cors.py", "KeyError: 'x'", True),
        ("my_rig_agent.py", "ValueError: mine", True),
        ("main.py", "OSError: [Errno 104] ECONNRESET", False),
        ("main.py", "MemoryError: memory allocation failed", False),
        *((file, "ValueError: of the rig", False) for file in AGENT_FILES),
    ],
)
def test_whose_task_failed(file, error, own):
    assert is_applications_own(TaskFailed("", error, (Frame(file, 7, "serve"),))) == own


def test_another_event_is_nobodys_task():
    assert not is_applications_own(SoftRebooted())


def test_the_agents_files_are_those_that_are_deployed():
    assert tuple(f"{module}.py" for module in AGENT_MODULES) == AGENT_FILES
