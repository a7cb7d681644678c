"""Files appear whole or not at all, whatever kills their writer and however many write."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading

import pytest
from camrig.whole_file import STALE, write_whole

WRITER = """
import json, sys
from pathlib import Path
from camrig.whole_file import write_whole
path = Path(sys.argv[1])
print("ready", flush=True)
for number in range(100000):
    write_whole(path, json.dumps([number] * 20000).encode())
"""


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "new" / "file"
    for data in (b"one", b"", b"three"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_file_that_may_not_be_replaced_stays(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(path, b"second", replace=False)
    assert path.read_bytes() == b"first"


def test_one_of_many_writers_gets_the_name(tmp_path):
    won, together = [], threading.Barrier(8)

    def write(number):
        together.wait(10)
        try:
            write_whole(tmp_path / "file", str(number).encode() * 1000, replace=False)
            won.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(won) == 1
    assert (tmp_path / "file").read_bytes() == str(won[0]).encode() * 1000


def test_a_filesystem_without_hard_links_is_good_enough(tmp_path, monkeypatch):
    def link(*paths):
        raise OSError("not here")

    monkeypatch.setattr(os, "link", link)
    write_whole(tmp_path / "file", b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "file", b"second", replace=False)
    assert (tmp_path / "file").read_bytes() == b"first"


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o640)])
def test_a_private_file_is_its_owners_alone(tmp_path, private, mode):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"", private=private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_parts_of_writers_that_were_killed_go(tmp_path):
    old, new = tmp_path / ".old.x.part", tmp_path / ".new.x.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, old.stat().st_mtime - STALE - 60))
    write_whole(tmp_path / "file", b"")
    assert not old.exists()
    assert new.exists()


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    for _ in range(20):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            while not path.exists():
                pass
            process.send_signal(signal.SIGKILL)
        values = json.loads(path.read_bytes())
        assert len(values) == 20000
        assert len(set(values)) == 1


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_file_in_place_of_the_folder_is_an_error(tmp_path, folder):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        write_whole(tmp_path / folder / "results", b"", replace=False)


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_run_whose_results_cannot_be_written_does_not_pass(hil, tmp_path, folder):
    (tmp_path / "file").touch()
    ended = hil("--hil-results", str(tmp_path / folder), "-k", "read_back")
    assert ended.code == 6, ended.out
    assert f"the results could not be written to {tmp_path / folder}: Not a directory" in ended.out
    assert " passed" in ended.out
    assert ended.left_running() == []
