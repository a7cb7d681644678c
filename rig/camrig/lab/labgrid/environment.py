"""Where labgrid is: in an environment of its own, which ``camrig lab setup`` makes, else behind a labgrid-client.

It cannot be in the environment of camrig: labgrid needs pyserial-labgrid, which has the files of pyserial.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from camrig.errors import LabError

CLIENT = "labgrid-client"
VARIABLE = "CAMRIG_LABGRID_CLIENT"
READY = "ready"  # the file that says what was installed, written last


@dataclass(frozen=True)
class LabgridEnvironment:
    """The Python that can import labgrid, and the folder of its programs."""

    python: str
    programs: Path

    def program(self, name: str) -> str:
        """The path of one of labgrid's programs. Raises LabError where this installation lacks it."""
        if (path := shutil.which(name, path=str(self.programs))) is None:
            raise LabError(f"there is no {name} in {self.programs}", hint="run: camrig lab setup")
        return path


def own_folder() -> Path:
    """The folder of the environment that ``camrig lab setup`` makes."""
    base = os.environ.get("XDG_DATA_HOME") or os.environ.get("LOCALAPPDATA") or "~/.local/share"
    return Path(base).expanduser() / "camrig" / "labgrid"


def find_environment() -> LabgridEnvironment:
    """The client that $CAMRIG_LABGRID_CLIENT names, else camrig's own environment, else the client on the PATH.

    Raises LabError.
    """
    if name := os.environ.get(VARIABLE, ""):
        if (client := shutil.which(name)) is None:
            raise LabError(f"there is no program {name}, which {VARIABLE} names", hint=f"correct or unset {VARIABLE}")
        return _behind(Path(client))
    own = own_programs(own_folder())
    if (own_folder() / READY).exists() and (own / _python_name()).exists():
        return LabgridEnvironment(str(own / _python_name()), own)
    if (client := shutil.which(CLIENT)) is not None:
        return _behind(Path(client))
    raise LabError("labgrid is not installed", hint="run: camrig lab setup")


def own_programs(folder: Path) -> Path:
    """The folder of programs in an environment."""
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


def _python_name() -> str:
    return "python.exe" if sys.platform == "win32" else "python"


def _behind(client: Path) -> LabgridEnvironment:
    """The Python that runs the program ``client``, which its first lines name. Raises LabError."""
    try:
        with client.open("rb") as file:
            head = file.read(1024).decode("utf-8", "replace")
    except OSError as error:
        raise LabError(f"{client} cannot be read ({error.strerror})", hint="run: camrig lab setup") from None
    python = interpreter_of(head)
    resolved = shutil.which(python) if python else None
    if resolved is None:
        raise LabError(
            f"{client} is not a Python program, so the Python that has labgrid is not known",
            hint=f"run: camrig lab setup, and unset {VARIABLE} if it is set",
        )
    return LabgridEnvironment(resolved, client.parent)


def interpreter_of(head: str) -> str:
    """The Python in the first lines of a program, as pip, pipx and uv write them; empty if there is none."""
    first, _, rest = head.partition("\n")
    if not first.startswith("#!"):
        return ""
    try:
        words = shlex.split(first[2:])
    except ValueError:
        return ""
    if words and words[0].endswith("/sh"):  # the path is too long, or has a space
        match = re.match(r"""'''exec' "?([^"\n]+?)"? "\$0" "\$@"$""", rest.partition("\n")[0])
        return match[1].strip() if match else ""
    words = [word for word in words if not word.startswith("-")]
    if words and words[0].endswith("/env"):
        words = words[1:]
    return words[0] if words and "python" in Path(words[0]).name else ""
