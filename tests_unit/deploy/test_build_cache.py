"""Bytecode is built once for the same source; what was kept is used only while it is whole."""

from __future__ import annotations

import pytest
from camrig.board.identity import MpyVersion
from camrig.deploy import build_cache
from camrig.deploy import compile as compiling
from camrig.deploy.compile import CompileError, check_compiles, compile_mpy

VERSION = MpyVersion(6, 3, 10)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    path = tmp_path / "cache" / "mpy"
    monkeypatch.setattr(build_cache, "_folder", lambda: path)
    return path


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "part.py"
    path.write_text("VALUE = 1\n")
    return path


@pytest.fixture
def runs(monkeypatch):
    """The arguments of each compiler that was started."""
    started = []
    run = compiling.subprocess.run

    def counted(command, **options):
        started.append(command)
        return run(command, **options)

    monkeypatch.setattr(compiling.subprocess, "run", counted)
    return started


def built(source, name="part.py"):
    return compile_mpy(source, name, VERSION)


def test_the_check_of_the_source_has_built_it_for_every_architecture(source, runs):
    check_compiles(source, "part.py")
    started = len(runs)
    data = built(source)
    assert compile_mpy(source, "part.py", MpyVersion(6, 3, 2)) == data
    assert [run for run in runs[started:] if "-o" in run] == []


def test_other_source_under_another_name_is_built(source, runs):
    first = built(source)
    assert built(source, "lib/part.py") != first
    source.write_text("VALUE = 2\n")
    assert built(source) != first
    source.write_text("VALUE = 1\n")
    assert built(source) == first
    assert len([run for run in runs if "-o" in run]) == 3


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: b""])
def test_a_damaged_entry_is_built_again(source, folder, damage):
    first = built(source)
    for entry in folder.iterdir():
        entry.write_bytes(damage(entry.read_bytes()))
    assert built(source) == first
    assert built(source) == first


def test_an_entry_under_the_name_of_another_is_not_used(source, folder):
    first = built(source)
    source.write_text("VALUE = 2\n")
    second = built(source)
    names = sorted(folder.iterdir())
    contents = [name.read_bytes() for name in names]
    for name, content in zip(names, contents[1:] + contents[:1], strict=True):
        name.write_bytes(content)
    assert built(source) == second
    assert first != second


def test_source_that_does_not_compile_is_refused_every_time(source):
    source.write_text("def\n")
    for _ in range(2):
        with pytest.raises(CompileError):
            built(source)


def test_native_code_is_built_for_its_own_architecture(source):
    source.write_text("import micropython\n@micropython.native\ndef f():\n    pass\n")
    check_compiles(source, "part.py")
    assert built(source)[2] >> 2 & 0xF == 10
    assert compile_mpy(source, "part.py", MpyVersion(6, 3, 2))[2] >> 2 & 0xF == 2


def test_source_that_changes_meanwhile_is_not_kept(source, monkeypatch, folder):
    run = compiling.subprocess.run

    def edited(command, **options):
        result = run(command, **options)
        if "-o" in command:
            source.write_text("VALUE = 2\n")
        return result

    built(source)  # asks for the compiler's version
    before = set(folder.iterdir())
    source.write_text("VALUE = 3\n")
    monkeypatch.setattr(compiling.subprocess, "run", edited)
    built(source)
    assert set(folder.iterdir()) == before


def test_the_oldest_half_goes_when_there_are_too_many(folder, monkeypatch):
    monkeypatch.setattr(build_cache, "MOST", 4)
    for number in range(5):
        build_cache.keep(f"{number:064x}", b"data")
        build_cache.os.utime(folder / f"{number:064x}", (number, number))
    assert [entry.name[-1] for entry in sorted(folder.iterdir())] == ["2", "3", "4"]


def test_a_folder_that_cannot_be_made_costs_only_time(source, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(build_cache, "_folder", lambda: tmp_path / "file" / "mpy")
    assert built(source) == built(source)


@pytest.mark.parametrize(
    ("named", "base"), [("/elsewhere", "/elsewhere"), ("", "/home/me/.cache"), ("a", "/home/me/.cache")]
)
def test_the_folder_is_that_of_caches(named, base, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(build_cache.sys, "platform", "linux")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert build_cache._folder().as_posix() == f"{base}/camrig/built"
