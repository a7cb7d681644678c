"""What a deploy decides to send, remove and keep: pure, from what should be there and what a board says."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from camrig.deploy.board_scripts import BOOT, GUARD, RECORD
from camrig.deploy.manifest import File
from camrig.deploy.plan import START, Plan, describe, digest, plan, question
from camrig.errors import DeployError
from hypothesis import given
from hypothesis import strategies as st

SALT = b"salt"
NAMES = st.sampled_from(["/boot.py", "/main.py", "/a.mpy", "/lib/b.mpy", "/lib/p/c.mpy", "/lib/p/q/d.mpy", "/e.json"])
APPLICATIONS = st.dictionaries(NAMES, st.binary(max_size=9), min_size=1)


class Flash:
    """A board's files, and its answer to the question of a deploy."""

    def __init__(self, files: dict[str, bytes], free: int = 1 << 20, fat: bool = False) -> None:
        self.files, self.free, self.fat = dict(files), free, fat

    def folder(self, path: str) -> bool:
        return any(name.startswith(path + "/") for name in self.files)

    def answer(self, wanted: list[File], unwanted: list[str]) -> dict[str, Any]:
        ask = question(wanted, unwanted, SALT)
        have = [digest(File(p, self.files[p]), SALT) if p in self.files else bytes(16) for p in ask.paths]
        return {
            "have": base64.b64encode(b"".join(have)).decode() + "\n",
            "odd": [p for p in ask.paths if self.folder(p)] + [p for p in ask.folders if p in self.files],
            "missing": [p for p in ask.folders if not self.folder(p)],
            "others": [p for p in ask.others if p in self.files or self.folder(p)],
            "record": None if have[-1] == ask.record else self.files.get(RECORD, b"").decode(),
            "fat": self.fat,
            "free": self.free,
            "block": 4096,
        }

    def deploy(self, wanted: list[File], unwanted: tuple[str, ...] = ()) -> Plan:
        todo = plan(wanted, unwanted, self.answer(wanted, list(unwanted)), "PORT", SALT)
        if any(file.target == START for file in todo.staged) and START in self.files:
            self.files[BOOT] = self.files[START]
        self.files.update({file.target: file.data for file in todo.staged if file.target})
        for path in todo.remove:
            self.files.pop(path, None)
        return todo


def as_files(application: dict[str, bytes]) -> list[File]:
    return [File(target, data) for target, data in application.items()]


def on_board(application: dict[str, bytes]) -> dict[str, bytes]:
    return {BOOT if target == START else target: data for target, data in application.items()}


@given(APPLICATIONS, APPLICATIONS)
def test_one_application_after_another(first, second):
    flash = Flash({"/note.txt": b"mine", "/lib/other.mpy": b"theirs"})
    flash.deploy(as_files(first))
    todo = flash.deploy(as_files(second))
    record = flash.files.pop(RECORD)
    assert set(record.decode().split("\n")) == set(on_board(second))
    mine = {"/note.txt": b"mine", "/lib/other.mpy": b"theirs"}
    assert flash.files == {**mine, **on_board(second), START: GUARD.encode()}
    assert set(todo.remove) == set(on_board(first)) - set(on_board(second))
    assert {file.target for file in todo.send} == {t for t in second if first.get(t) != second[t]}
    assert {file.target for file in todo.send}.isdisjoint(file.target for file in todo.keep)
    flash.files[RECORD] = record
    assert flash.deploy(as_files(second)).staged == ()


@given(APPLICATIONS, st.binary(max_size=40))
def test_foreign_boot_code(application, foreign):
    flash = Flash({START: foreign})
    flash.deploy(as_files(application))
    assert flash.files[START] == GUARD.encode()
    assert flash.files[BOOT] == application.get(START, foreign)


def test_boot_code_that_somebody_replaced_is_deployed_again():
    flash = Flash({})
    wanted = as_files({"/boot.py": b"ours", "/main.py": b""})
    flash.deploy(wanted)
    flash.files[START] = b"theirs"
    assert [file.target for file in flash.deploy(wanted).send] == ["/boot.py"]
    assert flash.files[BOOT] == b"ours"


def test_a_damaged_record_removes_nothing_that_is_no_path():
    flash = Flash({RECORD: b"\x00garbage\nno/path\n/boot.py\n"})
    assert flash.deploy(as_files({"/main.py": b""})).remove == ()


def test_what_is_unwanted_goes_also_when_nobody_recorded_it():
    flash = Flash({"/rig_agent.py": b"", "/keep.py": b""})
    assert flash.deploy(as_files({"/main.py": b""}), ("/rig_agent.py", "/rig_agent.mpy")).remove == ("/rig_agent.py",)
    assert "/keep.py" in flash.files


def test_a_module_that_hides_another_is_an_error_unless_it_is_about_to_go():
    wanted = as_files({"/lib/pack.mpy": b"x", "/main.py": b""})
    flash = Flash({"/pack.py": b""})
    with pytest.raises(DeployError, match=r"^/pack.py on the board would be imported instead.*PORT"):
        flash.deploy(wanted)
    mine = Flash({})
    mine.deploy(as_files({"/pack.py": b"1", "/main.py": b""}))
    assert mine.deploy(wanted).remove == ("/pack.py",)


def test_a_folder_that_would_hide_a_module_is_looked_at_again():
    flash = Flash({})
    flash.deploy(as_files({"/lib/pack/one.mpy": b"1", "/main.py": b""}))
    todo = flash.deploy(as_files({"/lib/pack.mpy": b"1", "/main.py": b""}))
    assert todo.suspects == ("/lib/pack",)


@pytest.mark.parametrize(
    ("there", "words"), [("/main.py/x", "/main.py on the board is a folder"), ("/lib", "/lib on the board is a file")]
)
def test_something_else_of_the_name(there, words):
    with pytest.raises(DeployError, match=words):
        Flash({there: b""}).deploy(as_files({"/main.py": b"", "/lib/p/c.mpy": b""}))


def test_the_room_that_a_deploy_needs():
    wanted = as_files({"/main.py": bytes(5000)})
    todo = Flash({}).deploy(wanted)
    # main.py two blocks; record, guard and script one each; the rig's folder two; two to spare.
    assert todo.needed == (2 + 3 + 2 + 2) * 4096
    assert Flash({}, fat=True).deploy(wanted).needed == 2 * todo.needed
    assert Flash({START: GUARD.encode(), RECORD: b"/main.py", "/main.py": bytes(5000)}).deploy(wanted).needed == 0


def test_a_plan_is_told_without_secrets():
    todo = Flash({"/rig_agent.py": b"", "/e.json": b"1"}, free=4096).deploy(
        as_files({"/camrig.json": b"pass phrase", "/e.json": b"1", "/boot.py": b"2"}), ("/rig_agent.py",)
    )
    told = describe(todo, {"/rig_agent.py": 77, "/gone.py": None})
    assert "pass phrase" not in told + repr(todo)
    lines = [line.split() for line in told.splitlines()]
    assert ["send", "/camrig.json", "11"] in lines
    assert ["send", "/boot.py", "1"] in lines
    assert ["keep", "/e.json", "1"] in lines
    assert ["remove", "/rig_agent.py", "77"] in lines
    assert "/gone.py" not in told
    assert "its flash is full" in told
