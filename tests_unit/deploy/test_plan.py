"""What a deploy sends, removes and keeps: pure, from the manifest and the state of a board."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from camrig.deploy.board_scripts import APP_BOOT, BOOT_GUARD, RECORD
from camrig.deploy.manifest import File
from camrig.deploy.plan import BOOT_FILE, DeployPlan, describe, make_plan, state_digest, state_query
from camrig.errors import DeployError
from hypothesis import given
from hypothesis import strategies as st

SALT = b"salt"
NAMES = st.sampled_from(["/boot.py", "/main.py", "/a.mpy", "/lib/b.mpy", "/lib/p/c.mpy", "/lib/p/q/d.mpy", "/e.json"])
APPLICATIONS = st.dictionaries(NAMES, st.binary(max_size=9), min_size=1)


class BoardFiles:
    """A board's files, and the state that it reports to a deploy."""

    def __init__(self, files: dict[str, bytes], free: int = 1 << 20, fat: bool = False) -> None:
        self.files, self.free, self.fat = dict(files), free, fat

    def folder(self, path: str) -> bool:
        return any(name.startswith(path + "/") for name in self.files)

    def state(self, files: list[File], obsolete: list[str]) -> dict[str, Any]:
        query = state_query(files, obsolete, SALT)
        digests = [state_digest(File(p, self.files[p]), SALT) if p in self.files else bytes(8) for p in query.paths]
        joined = b"".join(digests)
        same = hashlib.sha256(joined).digest()[:8] == query.same
        return {
            "digests": "" if same else base64.b64encode(joined).decode() + "\n",
            "wrong_kind": [p for p in query.paths if self.folder(p)] + [p for p in query.folders if p in self.files],
            "missing": [p for p in query.folders if not self.folder(p)],
            "hiding": [p for p in query.hiding if p in self.files or self.folder(p)],
            "record": None if digests[-1] == query.record else self.files.get(RECORD, b"").decode(),
            "fat": self.fat,
            "free": self.free,
            "size": 1 << 21,
            "block": 4096,
        }

    def deploy(self, files: list[File], obsolete: tuple[str, ...] = ()) -> DeployPlan:
        plan = make_plan(files, obsolete, self.state(files, list(obsolete)), "PORT", SALT)
        if any(file.target == BOOT_FILE for file in plan.staged) and BOOT_FILE in self.files:
            self.files[APP_BOOT] = self.files[BOOT_FILE]
        self.files.update({file.target: file.data for file in plan.staged if file.target})
        for path in plan.remove:
            self.files.pop(path, None)
        return plan


def as_files(application: dict[str, bytes]) -> list[File]:
    return [File(target, data) for target, data in application.items()]


def on_board(application: dict[str, bytes]) -> dict[str, bytes]:
    return {APP_BOOT if target == BOOT_FILE else target: data for target, data in application.items()}


@given(APPLICATIONS, APPLICATIONS)
def test_one_application_replaces_another_and_spares_foreign_files(first, second):
    flash = BoardFiles({"/note.txt": b"mine", "/lib/other.mpy": b"theirs"})
    flash.deploy(as_files(first))
    plan = flash.deploy(as_files(second))
    record = flash.files.pop(RECORD)
    assert set(record.decode().split("\n")) == set(on_board(second))
    mine = {"/note.txt": b"mine", "/lib/other.mpy": b"theirs"}
    assert flash.files == {**mine, **on_board(second), BOOT_FILE: BOOT_GUARD.encode()}
    assert set(plan.remove) == set(on_board(first)) - set(on_board(second))
    assert {file.target for file in plan.send} == {t for t in second if first.get(t) != second[t]}
    assert {file.target for file in plan.send}.isdisjoint(file.target for file in plan.keep)
    flash.files[RECORD] = record
    assert flash.deploy(as_files(second)).staged == ()


@given(APPLICATIONS, st.binary(max_size=40))
def test_foreign_boot_code_is_kept_or_replaced_by_the_applications(application, foreign):
    flash = BoardFiles({BOOT_FILE: foreign})
    flash.deploy(as_files(application))
    assert flash.files[BOOT_FILE] == BOOT_GUARD.encode()
    assert flash.files[APP_BOOT] == application.get(BOOT_FILE, foreign)


def test_a_boot_file_that_somebody_replaced_is_deployed_again():
    flash = BoardFiles({})
    files = as_files({"/boot.py": b"ours", "/main.py": b""})
    flash.deploy(files)
    flash.files[BOOT_FILE] = b"theirs"
    assert [file.target for file in flash.deploy(files).send] == ["/boot.py"]
    assert flash.files[APP_BOOT] == b"ours"


def test_a_damaged_record_removes_nothing():
    flash = BoardFiles({RECORD: b"\x00garbage\nno/path\n/boot.py\n"})
    assert flash.deploy(as_files({"/main.py": b""})).remove == ()


def test_an_obsolete_file_is_removed_although_it_is_not_recorded():
    flash = BoardFiles({"/rig_agent.py": b"", "/keep.py": b""})
    assert flash.deploy(as_files({"/main.py": b""}), ("/rig_agent.py", "/rig_agent.mpy")).remove == ("/rig_agent.py",)
    assert "/keep.py" in flash.files


def test_a_hiding_module_is_an_error_unless_it_is_being_removed():
    files = as_files({"/lib/pack.mpy": b"x", "/main.py": b""})
    flash = BoardFiles({"/pack.py": b""})
    with pytest.raises(DeployError, match=r"^/pack.py on the board would be imported instead.*PORT"):
        flash.deploy(files)
    mine = BoardFiles({})
    mine.deploy(as_files({"/pack.py": b"1", "/main.py": b""}))
    assert mine.deploy(files).remove == ("/pack.py",)


def test_a_folder_that_would_hide_a_module_is_a_suspect():
    flash = BoardFiles({})
    flash.deploy(as_files({"/lib/pack/one.mpy": b"1", "/main.py": b""}))
    plan = flash.deploy(as_files({"/lib/pack.mpy": b"1", "/main.py": b""}))
    assert plan.suspects == ("/lib/pack",)


@pytest.mark.parametrize(
    ("path", "message"),
    [("/main.py/x", "/main.py on the board is a folder"), ("/lib", "/lib on the board is a file")],
)
def test_a_folder_in_place_of_a_file_or_the_reverse_is_an_error(path, message):
    with pytest.raises(DeployError, match=message):
        BoardFiles({path: b""}).deploy(as_files({"/main.py": b"", "/lib/p/c.mpy": b""}))


def test_the_flash_that_a_deploy_needs():
    files = as_files({"/main.py": bytes(5000)})
    plan = BoardFiles({}).deploy(files)
    # Blocks: main.py two; record, guard and script one each; the rig's folder two; spare two.
    assert plan.needed == (2 + 3 + 2 + 2) * 4096
    assert BoardFiles({}, fat=True).deploy(files).needed == 2 * plan.needed
    assert (
        BoardFiles({BOOT_FILE: BOOT_GUARD.encode(), RECORD: b"/main.py", "/main.py": bytes(5000)})
        .deploy(files)
        .needed
        == 0
    )


def test_a_plan_is_described_without_secrets():
    plan = BoardFiles({"/rig_agent.py": b"", "/e.json": b"1"}, free=4096).deploy(
        as_files({"/camrig.json": b"pass phrase", "/e.json": b"1", "/boot.py": b"2"}), ("/rig_agent.py",)
    )
    text = describe(plan, {"/rig_agent.py": 77, "/gone.py": None})
    assert "pass phrase" not in text + repr(plan)
    lines = [line.split() for line in text.splitlines()]
    assert ["send", "/camrig.json", "11"] in lines
    assert ["send", "/boot.py", "1"] in lines
    assert ["keep", "/e.json", "1"] in lines
    assert ["remove", "/rig_agent.py", "77"] in lines
    assert "/gone.py" not in text
    assert "its flash is full" in text


@pytest.mark.parametrize(("hiding", "words"), [
    (["/a"], "/a on the board would be imported instead of the deployed module. Remove it (mpremote connect PORT fs"),
    (["/a", "/b"], "/a and /b on the board would be imported instead of deployed modules. Remove them"),
    (["/a", "/b.py", "/c"], "/a, /b.py and /c on the board would be imported"),
])  # fmt: skip
def test_all_files_that_hide_a_module_are_named_at_once(hiding, words):
    files = as_files({"/a.mpy": b"", "/c.mpy": b"", "/lib/b.mpy": b""})
    with pytest.raises(DeployError) as refused:
        BoardFiles(dict.fromkeys(hiding, b"")).deploy(files)
    assert words in str(refused.value)
    assert all(f":{path}" in refused.value.hint for path in hiding)


@pytest.mark.parametrize(("figures", "words"), [
    ({"free": 17592186032128}, "its filesystem is damaged: it reports 17592186032128 free bytes of 2097152"),
    ({"free": -4096}, "its filesystem is damaged"),
    ({"size": 0, "free": 0}, "it has no filesystem"),
    ({"block": 0, "size": 0, "free": 0}, "it has no filesystem: nothing is mounted at /"),
])  # fmt: skip
def test_a_filesystem_that_cannot_be_is_not_called_full(figures, words):
    files = as_files({"/a.mpy": b""})
    state = BoardFiles({}).state(files, []) | figures
    with pytest.raises(DeployError) as refused:
        make_plan(files, [], state, "PORT", SALT)
    assert words in str(refused.value)
    assert "flash is full" not in str(refused.value)
