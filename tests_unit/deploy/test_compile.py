"""A compiler that this computer ends says nothing of the source."""

from __future__ import annotations

import pytest
from camrig.deploy import compile as compiling
from camrig.deploy.compile import CompileError, check_compiles
from camrig.errors import DeployError


@pytest.mark.parametrize("script", ["kill -9 $$", "kill -25 $$", "exit 1"])
def test_a_compiler_that_ends_without_a_reason_blames_no_source(monkeypatch, tmp_path, script):
    program = tmp_path / "mpy-cross"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(compiling, "_newest", str(program))
    source = tmp_path / "cors.py"
    source.write_text("x = 1\n")
    with pytest.raises(DeployError, match="mpy-cross ended with code") as raised:
        check_compiles(source)
    assert not isinstance(raised.value, CompileError)
