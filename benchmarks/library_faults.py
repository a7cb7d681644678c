"""Libraries that cannot run, put before the suite and before ``camrig ab``: each has failed, none blocks the rig.

``python -m benchmarks.library_faults [WORDS]`` prints what is said of each fault whose name contains WORDS, and exits
with 1 if one of them does not end with exit code 1, in time and without a traceback of camrig's own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from camrig.errors import EXIT_BLOCKED, EXIT_FAILED

from benchmarks.application import LIBRARY, ROOT
from benchmarks.trouble import CLEARED, MARK, running

LIMIT = 120.0  # seconds after which a run counts as hung
SUITE = "tests_hil/test_policy_at_run_time.py"
PANIC = "Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled."

# What is appended to the module, put into the constructor, or into what every request passes through.
AT_IMPORT = {
    "does not compile": "def f(:",
    "is indented wrongly": "  def f(): pass",
    "has a null byte": "\0",
    "imports a module that is missing": "import missing_module",
    "imports a name that is missing": "from microdot.microdot import Missing",
    "raises at import": "raise ValueError('no')",
    "raises OSError at import": "raise OSError(5)",
    "raises MemoryError at import": "x = bytearray(1 << 30)",
    "recurses without end at import": "def f(n):\n    return f(n + 1) + 1\nf(0)",
    "fails an assertion at import": "assert 1 == 2",
    "divides by zero at import": "1 / 0",
    "raises KeyboardInterrupt at import": "raise KeyboardInterrupt",
    "calls sys.exit at import": "import sys\nsys.exit()",
    "resets the board at import": "import machine\nmachine.reset()",
    "panics at import": f"import machine\nprint({chr(10) + PANIC!r})\nmachine.reset()",
    "hangs at import": "while True:\n    pass",
    "sleeps without end at import": "import time\nwhile True:\n    time.sleep(1)",
    "has no class CORS": "del CORS",
    "has something else as CORS": "CORS = 5",
}
IN_CONSTRUCTOR = {
    "raises in its constructor": "raise ValueError('no')",
    "hangs in its constructor": "while True: pass",
    "resets the board in its constructor": "__import__('machine').reset()",
    "recurses without end in its constructor": "self.__init__()",
    "ends the program in its constructor": "raise SystemExit",
}


def broken(folder: Path, name: str) -> Path:
    """A library with the fault ``name`` in ``folder``."""
    library = folder / "lib"
    shutil.copytree(ROOT / "lib", library, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / LIBRARY
    source = path.read_text()
    if name in AT_IMPORT:
        source += "\n" + AT_IMPORT[name] + "\n"
    else:
        constructor = f"def _broken(self, *arguments, **keywords):\n    {IN_CONSTRUCTOR[name]}\n"
        source += f"\n{constructor}CORS.__init__ = _broken\n"
    path.write_text(source)
    return library


def command(by: str, library: Path, results: Path) -> list[str]:
    """The command line after ``python -m``."""
    common = ["--device", "sim", "--hil-results", str(results), "--hil-boot-timeout", "10"]
    if by == "ab":
        return ["camrig", "ab", "--candidate", str(library), "--baseline", "lib", "--seconds", "5", *common]
    return ["pytest", SUITE, "-p", "no:cacheprovider", "--hil-lib", str(library), *common]


def run(arguments: Sequence[str]) -> tuple[int | None, str, float]:
    """Exit code (None if it had to be killed), output and seconds of a command; waits for all that it started."""
    mark, start = uuid.uuid4().hex, time.monotonic()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**environment, MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    code: int | None = None
    try:
        output = process.communicate(timeout=LIMIT)[0]
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
    end = time.monotonic()
    while running(mark) and time.monotonic() < end + 5:
        time.sleep(0.1)
    return code, output + "".join(f"\nleft running: {name}" for name in running(mark)), end - start


def sentence(output: str) -> str:
    """The line that says what is wrong with the library."""
    lines = [line.strip().removeprefix("camrig: ") for line in output.splitlines()]
    words = ("the library", "does not compile", "cannot be imported", "sim: ", "cors.py:")
    sentences = [line for line in lines if line.endswith((".", "?")) and any(word in line for word in words)]
    return (sentences or ["-"])[0][:110]


def main() -> int:
    words = sys.argv[1] if len(sys.argv) > 1 else ""
    names = [name for name in (*AT_IMPORT, *IN_CONSTRUCTOR) if words in name]
    blocked, bad = 0, 0
    print(f"{'a library that':<44}{'by':<8}{'exit':>5}{'seconds':>9}  sentence", flush=True)
    for name in names:
        for by in ("pytest", "ab"):
            with tempfile.TemporaryDirectory() as folder:
                library = broken(Path(folder), name)
                code, output, seconds = run(command(by, library, Path(folder) / "results"))
            own = 'File "' + str(ROOT / "rig") in output or "INTERNALERROR" in output or "left running" in output
            blocked += code == EXIT_BLOCKED
            bad += code != EXIT_FAILED or own
            print(f"{name:<44}{by:<8}{code!s:>5}{seconds:>9.1f}  {sentence(output)}", flush=True)
            if code != EXIT_FAILED or own:
                print(f"---\n{output}\n---", file=sys.stderr)
    print(f"{blocked} of {2 * len(names)} blocked, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
