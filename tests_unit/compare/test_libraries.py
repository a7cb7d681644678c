"""The folders that are deployed for a comparison of two libraries."""

from __future__ import annotations

import pytest
from camrig.compare.libraries import find_library, side_by_side
from camrig.deploy.manifest import upstream_cors
from camrig.errors import SettingsError

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
