"""The rig's own code on a board imports from the firmware, whatever the application calls its files."""

from __future__ import annotations

import pytest
from camrig.board.identity import identify
from camrig.board.speed import at_speed
from camrig.bringup.running_firmware import read_running
from camrig.deploy.board_scripts import BOOT_GUARD, COMMIT_SCRIPT, RIG_FOLDER, STAGED, commit_script
from camrig.deploy.file_names import check_names
from camrig.deploy.import_heap import measure_imports
from camrig.deploy.manifest import File
from camrig.deploy.read_back import file_hashes
from camrig.deploy.transfer import plan_deploy, send
from camrig.doctor.flash_memory import read_memory
from camrig.firmware.image import read_image
from camrig.ota.slots import read_slots
from camrig.ota.write import holds, write_image
from camrig.virtual.app_image import build_app_image

from tests_unit.deploy.conftest import LIMITS, application

# Those for which MicroPython looks in the filesystem first, and more.
EXTENSIBLE = ("binascii", "deflate", "hashlib", "io", "json", "machine", "network", "os", "random", "re", "select")
BUILT_IN = ("esp32", "gc", "micropython", "platform", "socket", "ssl", "struct", "sys", "time")
NAMES = EXTENSIBLE + BUILT_IN
OWN = [File(f"{folder}/{name}.py", b"raise ValueError('own')") for name in NAMES for folder in ("", "/lib")]


@pytest.fixture
def hostile(session):
    """A board whose files have the names of the firmware's modules and cannot be imported."""
    session.exec(f"import os\nfor folder in ('/lib', {RIG_FOLDER!r}): os.mkdir(folder)")
    for file in OWN:
        session.exec(f"with open({file.target!r}, 'w') as f: f.write({file.data.decode()!r})")
    session.repl()
    with pytest.raises(Exception, match="own"):
        session.exec("import json")
    session.exec("import sys; before = list(sys.path)")
    return session


def test_the_board_says_who_it_is(hostile):
    assert identify(hostile).machine
    assert hostile.exec("print(sys.path == before)").strip() == "True"


def test_files_are_deployed_and_checked_again_and_again(hostile):
    for version in ("1", "2"):
        files = [*OWN, *application(version), File("/a b.txt", b"")]
        check_names(hostile, files)
        send(hostile, plan_deploy(hostile, files, [], LIMITS), LIMITS)
        assert not plan_deploy(hostile, files, [], LIMITS).send
        sizes = {file.target: len(file.data) for file in files}
        assert all(file_hashes(hostile, sizes).values())


def test_a_deploy_that_was_cut_off_is_finished_at_the_start(hostile, board):
    for path, data in ((STAGED + "0", b"x"), (COMMIT_SCRIPT, commit_script(["/whole"], [], [], []))):
        hostile.exec(f"with open({path!r}, 'wb') as f: f.write({data!r})")
    hostile.exec(f"with open('/boot.py', 'w') as f: f.write({BOOT_GUARD!r})")
    board.power_cycle()
    hostile.catch(30)
    hostile.repl()
    assert hostile.exec("print(open('/whole').read())").strip() == "x"


def test_the_import_of_such_a_module_is_measured(hostile):
    hostile.exec("with open('/json.py', 'w') as f: f.write('KEPT = bytes(3000)')")
    sizes = measure_imports(hostile, ["json", "os", "hashlib"])
    assert sizes.retained["json"] > 3000
    assert "own" in sizes.errors["hashlib"]


def test_the_line_is_changed_in_speed_and_the_chip_is_reset(hostile):
    with at_speed(hostile.transport, 921600):
        pass
    hostile.reset_chip()
    hostile.catch(30)
    assert identify(hostile).machine


def test_firmware_is_read_and_written_over_the_air(hostile):
    image = read_image(build_app_image("v1.26.0", filling=bytes(9000)), "new.bin")
    slots = read_slots(hostile)
    assert slots is not None
    write_image(hostile, slots.spare, image, LIMITS)
    assert holds(hostile, slots.spare, image, LIMITS)
    assert read_running(hostile, image).partition == slots.running
    assert read_memory(hostile).running == slots.running
