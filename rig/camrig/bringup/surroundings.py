"""Where a run takes place, for its results: this computer, the repository of the library, a command line."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from camrig.redaction import HIDDEN, child_environment

SECONDS_FOR_GIT = 5.0
_OTHER_REPOSITORY = {
    f"GIT_{name}"
    for name in ("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "NAMESPACE", "PREFIX")
}
# An option of another plugin's whose value nobody else should read.
_SECRET_OPTION = re.compile(r"(?i)^(--?[\w-]*(?:passw|token|secret|api-?key)[\w-]*)(=.*)?$", re.DOTALL)


def without_secrets(words: Sequence[str]) -> list[str]:
    """``words`` with the values of options hidden whose names say that they are secrets."""
    kept: list[str] = []
    secret_follows = False
    for word in words:
        match = _SECRET_OPTION.match(word)
        if match:
            kept.append(f"{match[1]}={HIDDEN}" if match[2] else word)
        else:
            kept.append(HIDDEN if secret_follows and not word.startswith("-") else word)
        secret_follows = match is not None and not match[2]
    return kept


def host() -> dict[str, str]:
    """This computer."""
    return {
        "name": platform.node(),
        "system": f"{platform.system()} {platform.release()}".strip(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def repository(folder: Path) -> dict[str, Any] | None:
    """The commit of the git repository that ``folder`` is in, and whether it has changes; None without either."""
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None or not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        return None
    if _git(folder, "check-ignore", "--quiet", ".") is not None:
        return None  # such as an installed package, in an environment inside somebody's repository
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none")
    untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "--", ".")
    dirty = None if changes is None or untracked is None else bool(changes or untracked)
    return {"commit": commit, "dirty": dirty}


def unlike_commit(files: Iterable[Path]) -> Path | None:
    """The first of ``files`` that the commit of its folder does not have as it is; None if it has all of them.

    What git ignores, or takes for unchanged by a flag, is compared too: by content alone.
    """
    names: dict[Path, list[str]] = {}
    for file in files:
        real = Path(os.path.realpath(file))
        names.setdefault(real.parent, []).append(real.name)
    for folder, own in names.items():
        tree = git_output(folder, "ls-tree", "-z", "HEAD")
        hashes = git_output(folder, "hash-object", "--", *own)
        entries = [entry.partition(b"\t") for entry in (tree or b"").split(b"\0")]
        kept = {os.fsdecode(name): facts.split()[-1] for facts, _, name in entries if name}
        for name, sha in zip_longest(own, (hashes or b"").split()):
            if sha is None or kept.get(name) != sha:
                return folder / name
    return None


def _git(folder: Path, *words: str) -> str | None:
    output = git_output(folder, *words)
    return None if output is None else output.decode("utf-8", "replace").strip()


def git_output(folder: Path, *words: str, seconds: float = SECONDS_FOR_GIT) -> bytes | None:
    """What git prints; None where it fails, is missing, or takes too long. It runs no program of the repository's."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "-C", str(folder), *words]
    # A hook of git's says there which repository it is about.
    own = {name: value for name, value in child_environment().items() if name not in _OTHER_REPOSITORY}
    environment = {**own, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=seconds,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
