"""Writes the files that a repository needs for its first run, and never over one that is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from camrig.errors import SettingsError
from camrig.settings.config_file import CONFIG_FILE
from camrig.starter import texts
from camrig.starter.survey import Survey
from camrig.whole_file import read_whole, write_whole

APPLICATION = Path("firmware")
WORKFLOW = Path(".github/workflows/hil.yml")
TEST = "test_board.py"


@dataclass(frozen=True)
class Written:
    """A file, relative to the repository, and what was done with it: written, kept, or extended."""

    path: Path
    action: str

    def __str__(self) -> str:
        return f"{self.action:<9} {self.path.as_posix()}"


def write_starter(repository: Path, survey: Survey) -> list[Written]:
    """Write what is missing. Raises SettingsError for a repository that is set up, or cannot be written to."""
    if (repository / CONFIG_FILE).exists():
        raise SettingsError(f"{repository / CONFIG_FILE} exists: this repository is set up", hint="run pytest")
    written = []
    try:
        repository.mkdir(parents=True, exist_ok=True)
        for path, text in _files(survey).items():
            written.append(_write(repository, path, text))
        written.append(_ignore(repository))
    except OSError as error:
        where = error.filename or repository
        raise SettingsError(f"{where} cannot be written: {error.strerror}", hint="check its permissions") from None
    return written


def _files(survey: Survey) -> dict[Path, str]:
    application = APPLICATION if survey.application is None else survey.application
    files = {} if survey.application is not None else {APPLICATION / "main.py": texts.MAIN}
    if survey.application is None or (survey.serves_microdot and survey.attaches_agent):
        test = texts.CORS_TEST.replace("{path}", "/api/status" if survey.application is None else "/")
    else:
        test = texts.HTTP_TEST
    config = texts.CONFIG.replace('"{app}"', json.dumps(application.as_posix()))
    if survey.library is not None:
        config += f"lib = {json.dumps(survey.library.as_posix())}\n"
    workflow = texts.WORKFLOW.replace("{version}", version("camrig")).replace("{tests}", survey.tests.as_posix())
    # The settings come last: where a file before them cannot be written, the next try is as the first.
    return {**files, survey.tests / TEST: test, WORKFLOW: workflow, Path(CONFIG_FILE): config}


def _write(repository: Path, path: Path, text: str) -> Written:
    target = repository / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_whole(target, text.encode(), replace=False)
    except FileExistsError:
        return Written(path, "kept")
    return Written(path, "written")


def _ignore(repository: Path) -> Written:
    """Add the lines that ``.gitignore`` lacks."""
    path = repository / ".gitignore"
    before = read_whole(path).decode("utf-8", "surrogateescape") if path.exists() else ""
    present = {line.strip().strip("/") for line in before.splitlines()}
    lines = [line for line in texts.IGNORED if line.strip("/") not in present]
    if not lines:
        return Written(Path(".gitignore"), "kept")
    gap = "" if not before or before.endswith("\n") else "\n"
    write_whole(path, (before + gap + "".join(f"{line}\n" for line in lines)).encode("utf-8", "surrogateescape"))
    return Written(Path(".gitignore"), "extended" if before else "written")
