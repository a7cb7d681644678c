"""A new folder of results is ignored by git, and a folder that exists stays as it is."""

from __future__ import annotations

import subprocess

from camrig.report.json_report import write
from camrig.report.own_ignore import NAME

from tests_unit.report.samples import run_report


def test_git_ignores_a_new_folder_of_results(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    write(run_report(), tmp_path / "deep" / "results")
    done = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "deep" / "results" / NAME).exists()


def test_a_folder_that_exists_gets_nothing_but_results(tmp_path):
    path = write(run_report(), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_an_own_file_is_kept(tmp_path):
    write(run_report(), tmp_path / "results")
    (tmp_path / "results" / NAME).write_text("own\n")
    write(run_report(), tmp_path / "results")
    assert (tmp_path / "results" / NAME).read_text() == "own\n"
