"""A browser's process and its profile folder, neither of which outlives this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from camrig.errors import BrowserError
from camrig.probe.browser.pipe import Message, Pipe
from camrig.whole_file import temporary_folder

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_SOCKET_ROOM = 60  # bytes of a folder's path that leave room for a Unix socket of the browser in it
_END_SECONDS = 60.0

_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-quic",
    "--no-proxy-server",  # the board is on this network
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    # What is left of its services asks nobody: a board's network is none of theirs.
    "--disable-features=MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,Translate",
    "--host-resolver-rules=MAP *.google.com ~NOTFOUND, MAP *.googleapis.com ~NOTFOUND, MAP *.gvt1.com ~NOTFOUND",
)


@dataclass
class BrowserProcess:
    """``pipe`` speaks to the browser, which ``supervisor`` holds."""

    executable: Path
    pipe: Pipe
    supervisor: subprocess.Popen[bytes]

    def end(self, at_once: bool = False) -> str:
        """End the browser and everything that it started; how it ended by itself, if it did, as a clause."""
        assert self.supervisor.stdin is not None
        assert self.supervisor.stdout is not None
        with suppress(OSError, ValueError):
            if at_once:
                self.supervisor.stdin.write(b"\n")
            self.supervisor.stdin.close()
        report: Message = {}
        with suppress(ValueError):
            report = json.loads(self.supervisor.stdout.readline() or b"{}")
        return _summary(report)

    def close(self) -> None:
        """Return once no process and no profile is left."""
        self.end(at_once=True)
        self.pipe.close()
        try:
            self.supervisor.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            self.supervisor.wait()
        if self.supervisor.stdout is not None:
            self.supervisor.stdout.close()


@contextmanager
def running(executable: Path, flags: Sequence[str]) -> Iterator[BrowserProcess]:
    """Start a browser with a new profile; it has not said anything yet when the context begins."""
    if sys.platform == "win32":
        raise BrowserError("a browser cannot be driven on Windows", hint="run camrig on Linux or macOS")
    with ExitStack() as stack:
        try:
            profile = stack.enter_context(temporary_folder())
            process = _start(executable, flags, profile)
        except OSError as error:
            raise BrowserError(f"{executable} cannot be started: {error.strerror}") from error
        stack.callback(process.close)
        yield process


def _start(executable: Path, flags: Sequence[str], profile: Path) -> BrowserProcess:
    requests, writing = os.pipe()
    reading, responses = os.pipe()
    environment = {**os.environ, **{name: str(profile / name) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")}}
    if len(os.fsencode(profile)) <= _SOCKET_ROOM:
        environment["TMPDIR"] = str(profile)
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    command = [str(executable), *_FLAGS, *root, f"--user-data-dir={profile}", *flags, "about:blank"]
    supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(requests), str(responses), str(profile)]
    try:
        process = subprocess.Popen(
            [*supervisor, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            pass_fds=(requests, responses),
            start_new_session=True,  # neither Ctrl-C nor a signal to the group of this process is for it
        )
    except BaseException:
        os.close(writing)
        os.close(reading)
        raise
    finally:
        os.close(requests)
        os.close(responses)
    return BrowserProcess(executable, Pipe(writing, reading), process)


def _summary(report: Message) -> str:
    if "error" in report:
        return f"it cannot be started: {report['error']}"
    code = report.get("exit")
    if code is None:
        return "it closed its debugging pipe"
    lines = [line for line in str(report.get("stderr", "")).splitlines() if line.strip()]
    last = f" after printing {lines[-1].strip()[:200]!r}" if lines else ""
    return (f"it ended with signal {-code}" if code < 0 else f"it ended with exit code {code}") + last
