"""Files appear whole or not at all, whatever kills their writer and however many write."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from camrig import whole_file
from camrig.whole_file import STALE, SUFFIX, demand_place, read_whole, temporary_folder, write_whole

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


GONE = 2**22 + 1  # above the largest number of a process
OWN = "OWN"  # the number of this process


@pytest.mark.parametrize(
    ("name", "age", "goes"),
    [
        (f".file.{GONE}-abc{SUFFIX}", 0, True),
        (f".file.{OWN}-abc{SUFFIX}", 0, False),
        (f".file.{OWN}-abc{SUFFIX}", STALE + 60, True),
        (f".file.{GONE}-abc.part", STALE + 60, False),
        (f"file.{GONE}-abc{SUFFIX}", STALE + 60, False),
    ],
)
def test_parts_of_writers_that_were_killed_go(tmp_path, name, age, goes):
    part = tmp_path / name.replace(OWN, str(os.getpid()))
    part.touch()
    os.utime(part, (0, part.stat().st_mtime - age))
    write_whole(tmp_path / "file", b"")
    assert part.exists() != goes


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary folders, and a fresh process's view of it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    whole_file._remove_abandoned_folders.cache_clear()
    yield tmp_path
    whole_file._remove_abandoned_folders.cache_clear()


@pytest.mark.parametrize(
    ("name", "goes"),
    [(f"camrig-{GONE}-abc", True), (f"camrig-{OWN}-abc", False), ("camrig-0", False), (f"other-{GONE}-abc", False)],
)
def test_temporary_folders_of_runs_that_were_killed_go(temporary, name, goes):
    older = temporary / name.replace(OWN, str(os.getpid()))
    (older / "inside").mkdir(parents=True)
    with temporary_folder() as folder:
        assert folder.parent == temporary
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert older.exists() != goes
    assert not folder.exists()


def test_what_is_not_an_abandoned_folder_stays(temporary):
    """A link to a folder, and one that a process in another container holds, whose number says nothing here."""
    kept = temporary / "kept"
    kept.mkdir()
    (temporary / f"camrig-{GONE}-link").symlink_to(kept)
    held = temporary / f"camrig-{GONE}-held"
    held.mkdir()
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with temporary_folder():
        pass
    os.close(handle)
    assert kept.exists()
    assert held.exists()


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "link to a device", "huge", "loop"])
def test_only_a_regular_file_of_a_sane_size_is_read(tmp_path, kind):
    path = special_file(tmp_path, kind)
    with pytest.raises(OSError):
        read_whole(path, 1 << 20)


@pytest.mark.parametrize("kind", ["folder", "fifo", "device"])
def test_what_is_not_a_file_is_not_replaced(tmp_path, kind):
    path = special_file(tmp_path, kind)
    before = os.lstat(path)
    for write in (demand_place, lambda place: write_whole(place, b"")):
        with pytest.raises(OSError):
            write(path)
    assert os.path.samestat(before, os.lstat(path))


def special_file(folder, kind):
    """A path that must not be read or replaced."""
    path = folder / "file"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        return Path("/dev/zero")
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.touch()
        os.truncate(path, 5 << 30)
    return path


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
