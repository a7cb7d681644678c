"""A byte-order mark is named, wherever a file that camrig reads begins with one."""

from __future__ import annotations

import codecs

import pytest
from camrig.board.identity import MpyVersion
from camrig.deploy.compile import check_compiles, compile_mpy
from camrig.errors import DeployError, SettingsError
from camrig.settings.config_file import read_toml

MARKS = [("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-32", "UTF-32")]


@pytest.mark.parametrize(("encoding", "name"), MARKS)
@pytest.mark.parametrize("text", ['"""A docstring."""', "x = 1", ""])
def test_source_with_a_byte_order_mark_does_not_compile(tmp_path, encoding, name, text):
    source = tmp_path / "main.py"
    source.write_text(text, encoding=encoding)
    for act in (check_compiles, lambda path: compile_mpy(path, "main.py", MpyVersion(6, 3, 0))):
        with pytest.raises(DeployError, match=f"main.py starts with a byte-order mark of {name}, which MicroPython"):
            act(source)


@pytest.mark.parametrize(("encoding", "name"), MARKS)
def test_a_config_file_with_a_byte_order_mark_is_refused(tmp_path, encoding, name):
    path = tmp_path / "camrig.toml"
    path.write_text('device = "sim"', encoding=encoding)
    with pytest.raises(SettingsError, match=f"camrig.toml starts with a byte-order mark of {name}"):
        read_toml(path)


def test_a_mark_inside_a_file_is_none(tmp_path):
    source = tmp_path / "main.py"
    source.write_bytes(b"# " + codecs.BOM_UTF8 + b"\n")
    check_compiles(source)
