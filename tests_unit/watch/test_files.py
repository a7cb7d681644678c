"""Every save is seen once, in bursts, and nothing but saves of sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from camrig.watch import files
from camrig.watch.files import Place, SavedFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    (tmp_path / "lib" / "a.py").write_text("a")
    (tmp_path / "lib" / "deep" / "b.html").write_text("b")
    return tmp_path


def names(paths: list[str]) -> list[str]:
    return [Path(path).name for path in paths]


def test_saves_additions_and_removals_are_changes_once(folder):
    saved = SavedFiles([Place(folder)])
    assert saved.changed() == []
    (folder / "lib" / "a.py").write_text("longer")
    (folder / "lib" / "deep" / "b.html").unlink()
    (folder / "lib" / "new").mkdir()
    (folder / "lib" / "new" / "c.py").write_text("c")
    assert names(saved.changed()) == ["a.py", "b.html", "c.py"]
    assert saved.changed() == []


def test_a_file_that_replaces_another_of_the_same_size_and_time_counts(folder):
    saved = SavedFiles([Place(folder)])
    path = folder / "lib" / "a.py"
    (folder / "lib" / ".a.tmp").write_text("z")
    os.utime(folder / "lib" / ".a.tmp", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    os.replace(folder / "lib" / ".a.tmp", path)
    assert names(saved.changed()) == ["a.py"]


def test_folders_that_did_not_change_are_not_listed_again(folder, monkeypatch):
    for path in (folder, folder / "lib", folder / "lib" / "deep"):
        os.utime(path, (1, 1))
    saved = SavedFiles([Place(folder)])
    monkeypatch.setattr(files, "_listed", None)
    assert saved.changed() == []
    (folder / "lib" / "a.py").write_text("longer")
    assert names(saved.changed()) == ["a.py"]


def test_what_tools_write_does_not_count(folder):
    (folder / "venv").mkdir()
    (folder / "venv" / "pyvenv.cfg").touch()
    (folder / "results").mkdir()
    (folder / "__pycache__").mkdir()
    saved = SavedFiles([Place(folder)], without=[folder / "results"])
    for name in ("venv/x.py", "results/run.json", "__pycache__/a.pyc", ".a.py.swp", "a.py~", "#a.py#"):
        (folder / name).write_text("x")
    assert saved.changed() == []


def test_beside_tests_only_sources_count(folder):
    saved = SavedFiles([Place(folder, files.SOURCES)])
    (folder / "report.xml").touch()
    (folder / "conftest.py").touch()
    assert names(saved.changed()) == ["conftest.py"]


def test_one_file_can_be_watched_and_a_missing_place_may_appear(folder):
    saved = SavedFiles([Place(folder / "lib" / "a.py"), Place(folder / "app")])
    assert len(saved) == 1
    (folder / "lib" / "x.py").touch()
    (folder / "lib" / "a.py").unlink()
    (folder / "app").mkdir()
    (folder / "app" / "main.py").touch()
    assert names(saved.changed()) == ["main.py", "a.py"]


def test_a_burst_of_saves_is_one_change(folder):
    saved = SavedFiles([Place(folder)])
    saves = iter(["a.py", "b.py", "c.py"])

    def sleep(seconds: float) -> None:
        if name := next(saves, None):
            (folder / "lib" / name).write_text(name)

    assert names(saved.wait(sleep)) == ["a.py", "b.py", "c.py"]


def test_saves_that_never_end_are_cut_into_changes(folder, monkeypatch):
    monkeypatch.setattr(files, "BURST", 0.0)
    saved = SavedFiles([Place(folder)])
    (folder / "lib" / "a.py").write_text("longer")
    assert names(saved.wait(lambda seconds: pytest.fail("it waited"))) == ["a.py"]


def test_a_circle_of_links_is_not_followed(folder):
    (folder / "lib" / "deep" / "up").symlink_to(folder)
    assert len(SavedFiles([Place(folder)])) == 2
