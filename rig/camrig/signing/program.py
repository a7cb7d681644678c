"""Running a program that signs: it ends in time, and asks nobody for a passphrase where nobody can answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from camrig.errors import SignatureError
from camrig.redaction import child_environment

SECONDS, SECONDS_WITH_PERSON = 30.0, 300.0
PACKAGES = {"ssh-keygen": "OpenSSH 8.1 or newer (openssh-client)", "minisign": "minisign"}


def has_terminal() -> bool:
    """Whether somebody is there to type a passphrase."""
    return sys.stdin is not None and sys.stdin.isatty()


def run(words: Sequence[str], data: bytes = b"", *, asks: bool = False) -> subprocess.CompletedProcess[bytes]:
    """What became of a program that got ``data``; one that ``asks`` gets the terminal instead.

    Raises SignatureError if it is missing, or does not end.
    """
    seconds = SECONDS_WITH_PERSON if asks else SECONDS
    try:
        if asks:
            return subprocess.run(words, env=child_environment(), timeout=seconds, check=False)
        return subprocess.run(
            words,
            input=data,
            capture_output=True,
            env={**child_environment(), "SSH_ASKPASS_REQUIRE": "never"},
            timeout=seconds,
            start_new_session=True,  # without a terminal, from which ssh-keygen would read
            check=False,
        )
    except FileNotFoundError:
        raise SignatureError(f"{words[0]} is not installed", hint=f"install {PACKAGES[words[0]]}") from None
    except subprocess.TimeoutExpired:
        raise SignatureError(f"{words[0]} did not end within {seconds:.0f} s", hint="run it by hand") from None
    except OSError as error:
        raise SignatureError(f"{words[0]} cannot be started: {error.strerror}") from None


def last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line that a program printed, for a message."""
    lines = (done.stderr or done.stdout or b"").decode("utf-8", "replace").split("\n")
    return next(
        (line.strip().rstrip(".") for line in reversed(lines) if line.strip()), f"exit code {done.returncode}"
    )
