"""The folders that are deployed for a comparison of two libraries."""

from __future__ import annotations

import hashlib

import pytest
from camrig.compare.libraries import ab_header, find_library, libraries_record, side_by_side
from camrig.deploy.contents import upstream_cors
from camrig.errors import SettingsError
from camrig.settings.resolve import Settings

from tests_unit.conftest import ROOT


def make_library(folder, cors="CORS = 1\n"):
    (folder / "microdot").mkdir(parents=True)
    (folder / "microdot/cors.py").write_text(cors)
    return find_library(str(folder), folder)


def test_upstream_is_the_module_of_the_pinned_package(tmp_path):
    upstream = find_library("upstream", tmp_path / "u")
    assert (upstream.folder / "microdot/cors.py").read_bytes() == upstream_cors().read_bytes()
    assert "def get_cors_headers" in upstream_cors().read_text()


@pytest.mark.parametrize("name", ["/no/such/folder", str(ROOT / "device")])
def test_a_folder_without_the_library_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match="is not a library"):
        find_library(name, tmp_path)


def test_both_lie_side_by_side_under_separate_names(tmp_path):
    first, second = make_library(tmp_path / "1"), make_library(tmp_path / "2", "CORS = 2\n")
    (tmp_path / "1/helper.py").write_text("")
    (tmp_path / "2/.git").mkdir()
    (tmp_path / "2/.git/hook.py").write_text("")
    folder = side_by_side(first, second, tmp_path / "both")
    assert {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*y")} == {
        "helper.py": "",
        "microdot/cors.py": "CORS = 1\n",
        "microdot/camrig_a.py": "CORS = 1\n",
        "microdot/camrig_b.py": "CORS = 2\n",
    }


def test_another_file_that_differs_between_the_two_is_refused(tmp_path):
    first, second = make_library(tmp_path / "1"), make_library(tmp_path / "2")
    (tmp_path / "1/tools.py").write_text("A = 1\n")
    (tmp_path / "2/tools.py").write_text("A = 2\n")
    with pytest.raises(SettingsError, match=r"both libraries have a file tools\.py"):
        side_by_side(first, second, tmp_path / "both")


def test_a_module_is_source_in_one_library_and_bytecode_in_the_other(tmp_path):
    """The CORS modules may differ in that too, and the application still imports the first one's."""
    second = make_library(tmp_path / "2", "CORS = 2\n")
    (tmp_path / "1/microdot").mkdir(parents=True)
    (tmp_path / "1/microdot/cors.mpy").write_bytes(b"M\x06\x00\x1f")
    first = find_library(str(tmp_path / "1"), tmp_path)
    names = {path.name for path in side_by_side(first, second, tmp_path / "both").rglob("*.*y")}
    assert names == {"cors.mpy", "camrig_a.mpy", "camrig_b.py"}
    (tmp_path / "1/tools.mpy").write_bytes(b"M\x06\x00\x1f")
    (tmp_path / "2/tools.py").write_text("")
    with pytest.raises(SettingsError, match=r"both libraries have a file tools\.py"):
        side_by_side(first, second, tmp_path / "again")


def test_a_library_that_changes_meanwhile_is_refused(tmp_path):
    first, second = make_library(tmp_path / "1"), make_library(tmp_path / "2")
    second.cors.write_text("CORS = 3\n")
    with pytest.raises(SettingsError, match=r"2/microdot/cors\.py has changed since the comparison began"):
        side_by_side(first, second, tmp_path / "both")


def test_a_name_that_the_comparison_uses_is_refused(tmp_path):
    first, second = make_library(tmp_path / "1"), make_library(tmp_path / "2")
    (tmp_path / "2/microdot/camrig_a.py").write_text("")
    with pytest.raises(SettingsError, match=r"a library has a file camrig_a\.py"):
        side_by_side(first, second, tmp_path / "both")


@pytest.mark.parametrize(("text", "same"), [("CORS = 1\n", True), ("CORS = 2\n", False)])
def test_header_and_evidence_say_when_a_library_meets_itself(tmp_path, text, same):
    first, second = make_library(tmp_path / "1"), make_library(tmp_path / "2", text)
    header = ab_header(Settings(app=ROOT / "device", agent=ROOT / "device/rig_agent.py"), first, second)
    words = f"{first.cors} and {second.cors} have the same content: a library is compared with itself"
    assert (header.splitlines()[-1] == words) is same
    record = libraries_record(first, second, {"a": "1" * 64, "b": "2" * 64})
    assert record["same_content"] is same
    assert record["libraries"]["a"] == {
        "name": str(tmp_path / "1"),
        "source": str(first.cors),
        "source_sha256": hashlib.sha256(b"CORS = 1\n").hexdigest(),
        "sha256": "1" * 64,
    }


def test_upstream_is_named_by_its_own_file(tmp_path):
    upstream, second = find_library("upstream", tmp_path / "u"), make_library(tmp_path / "2")
    header = ab_header(Settings(app=ROOT / "device", agent=ROOT / "device/rig_agent.py"), upstream, second)
    assert f"candidate    {upstream_cors()}" in header
