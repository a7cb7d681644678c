"""The files of a folder that go onto a board, and what is left out of it.

Symbolic links: an application may have them, and what they lead to is deployed, if it is in the same repository. A
library may not, because the file that is judged has to be the one that was named. A link that leads nowhere, or back
into a folder above itself, is an error in both.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from camrig.deploy.layers import is_module
from camrig.deploy.left_out import EXCLUDED, NOT_A_FILE, RESULTS, LeftOut, printable, usual_reason
from camrig.deploy.patterns import Patterns
from camrig.deploy.rules import DeployRules
from camrig.errors import DeployError, SettingsError

MAX_BYTES = 64 << 20  # of a file: more than the flash of any board


class FileWalk:
    """Iterate over it once: the files below ``folder``, by name relative to it, in the order of the names.

    ``left_out`` then has the rest. What ``exclude`` matches is left out. What ``include`` matches is not, with all
    that is below it, but for what is left out for another reason. Iterating raises SettingsError, DeployError.
    """

    def __init__(
        self,
        folder: Path,
        *,
        include: Patterns | None = None,
        exclude: Patterns | None = None,
        rules: DeployRules | None = None,
        links: bool = True,
    ) -> None:
        self.left_out: list[LeftOut] = []
        self._folder, self._links = folder, links
        self._include, self._exclude = include or Patterns((), dots=False), exclude or Patterns((), dots=True)
        rules = rules or DeployRules()
        real = os.path.realpath(folder)
        self._trees = None if rules.trees is None else [real, *map(os.path.realpath, rules.trees)]
        self._results = {os.path.realpath(path) for path in rules.results} - {real}

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        return self._below(self._folder, (os.path.realpath(self._folder),), frozenset(), "")

    def _below(
        self, path: Path, above: tuple[str, ...], lifted: frozenset[str], reason: str
    ) -> Iterator[tuple[str, Path]]:
        """``lifted`` are reasons that do not count here; ``reason`` is why all of ``path`` is left out, if it is."""
        for entry in entries(path):
            child = path / entry.name
            is_folder = os.path.isdir(child)  # false also for a link to itself
            name = child.relative_to(self._folder).as_posix()
            if self._exclude.match(name):
                self._leave_out(name, is_folder, EXCLUDED, reason)
                continue
            reasons = {reason, self._reason(child, is_folder)} - {""}
            if self._include.match(name, by_name=bool(reason)):
                below, reasons = lifted | reasons, set()
            else:
                below, reasons = lifted, reasons - lifted
            if reasons:
                own = sorted(reasons - {reason} or reasons)[0]
                self._leave_out(name, is_folder, own, reason)
                if not (is_folder and self._include.reach_into(name)):
                    continue
            else:
                own = ""
            _demand_name(child, is_folder, self._links)
            if entry.is_symlink():
                self._check_link(child, name, is_folder)
            if is_folder:
                real = os.path.realpath(child)
                if real in above:
                    raise SettingsError(
                        f"{child} is a symbolic link back to {real}, which contains it", hint="remove the link"
                    )
                yield from self._below(child, (*above, real), below, own)
            elif self._is_regular(child, name):
                yield name, child

    def _leave_out(self, name: str, is_folder: bool, reason: str, above: str) -> None:
        if not above:  # else the folder is in the list
            self.left_out.append(LeftOut(name + "/" * is_folder, reason))

    def _reason(self, child: Path, is_folder: bool) -> str:
        if is_folder and self._results and os.path.realpath(child) in self._results:
            return RESULTS
        return usual_reason(child, is_folder)

    def _check_link(self, child: Path, name: str, is_folder: bool) -> None:
        target = os.path.realpath(child)
        if not os.path.exists(target):
            raise SettingsError(
                f"{child} is a symbolic link to {os.readlink(child)}, which does not exist",
                hint="remove or correct the link",
            )
        if not self._links and (is_folder or is_module(name)):
            raise SettingsError(
                f"{child} is a symbolic link to {target}, so another file than the named one would be judged",
                hint="name a folder that holds the file itself",
            )
        if self._trees is not None and not any(_is_below(target, tree) for tree in self._trees):
            raise SettingsError(
                f"{child} is a symbolic link to {target}, which is outside of this repository",
                hint=f'to deploy it all the same, remove the link, and write mount = {{ "/{name}" = "{target}" }} '
                "below [deploy] in camrig.toml",
            )

    def _is_regular(self, child: Path, name: str) -> bool:
        if not child.is_file():
            if is_module(name):
                raise SettingsError(f"{child} is not a regular file", hint="remove it")
            self.left_out.append(LeftOut(name, NOT_A_FILE))
            return False
        demand_size(child)
        return True


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in the order of the names. Raises SettingsError."""
    try:
        with os.scandir(folder) as scanned:
            return sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be read: {error.strerror}") from None


def demand_size(file: Path) -> None:
    """Raises SettingsError for a file that is not even worth reading."""
    if (size := file.stat().st_size) > MAX_BYTES:
        raise SettingsError(
            f"{file} has {size} bytes, more than the flash of any board",
            hint="remove it, or leave it out: exclude of [deploy] in camrig.toml",
        )


def is_one_line(name: str) -> bool:
    """Whether a name can stand in a line: it has no control characters, and none that ends lines."""
    return not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name)


def _is_below(path: str, tree: str) -> bool:
    return path == tree or path.startswith(tree.rstrip(os.sep) + os.sep)


def _demand_name(path: Path, is_folder: bool, data: bool) -> None:
    """Raises DeployError for a name that a board could not be sent. Of a library only modules count."""
    if not (data or is_folder or is_module(path.name)):
        return
    try:
        os.fsencode(path.name).decode()
    except UnicodeDecodeError:
        problem = "a name that is not UTF-8"
    else:
        if is_one_line(path.name):
            return
        problem = "a control character in its name"
    raise DeployError(f"{printable(str(path))} has {problem}", hint="rename it, or remove it")
