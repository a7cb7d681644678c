"""What is in force in a run, before any board is looked for: libraries, application, agent, board, config, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from camrig.bringup.contents import contents_for
from camrig.deploy.contents import Contents
from camrig.deploy.folders import hash_of_files, hash_of_texts, read_source, sha256_of
from camrig.deploy.layers import AGENT, APPLICATION, CORS_MODULE, LIBRARY, is_module, merge, stem
from camrig.deploy.left_out import LeftOut, summary
from camrig.deploy.manifest import check_sources
from camrig.errors import LibraryError, SettingsError
from camrig.release_stage import NOT_A_RELEASE, is_rehearsal
from camrig.report.header import HeaderRow, header_text
from camrig.settings.resolve import Settings

if TYPE_CHECKING:  # a deploy judges nothing
    from camrig.gate.limits import Limit


def run_header(
    settings: Settings,
    limits: Mapping[str, Limit] | None,
    libraries: Mapping[str, tuple[Path, Path | None]] | None = None,
    *,
    agent: bool = True,
) -> str:
    """The header of a run. ``limits`` is None where nothing is judged; ``agent`` is false where none is deployed.

    ``libraries`` are those that are deployed in turns, by what each is to the run: the folder, and the file that its
    CORS module is a copy of, None if it is not a copy. ``libraries`` is None for the settings' own.
    Raises SettingsError for a library or an application that cannot be deployed, or not with the others.
    """
    rows, application = [], ""
    left_out: list[LeftOut] = []
    missing: list[str] = []
    for label, (folder, original) in (libraries or {"library": (settings.lib, None)}).items():
        contents = contents_for(settings, folder, agent=agent)
        layers = contents.layers
        left_out += contents.left_out
        missing += contents.missing
        if original is not None:
            target = next(target for target in layers[LIBRARY] if stem(target) == CORS_MODULE)
            layers[LIBRARY][target] = original
        merge(layers)
        try:
            check_sources(layers)
        except LibraryError as error:
            if label != "baseline":
                raise
            raise SettingsError(error.what, hint=error.hint, details=error.details) from None
        rows += _library_rows(label, folder, contents)
        files = layers[APPLICATION]
        application = f"{settings.app}, {_numbers(files)}"
        application_hash = hash_of_files(files)
        agent_files = list(layers[AGENT].values())
    rows.append(HeaderRow("application", application, application_hash))
    if line := summary(dict.fromkeys(left_out)):
        rows.append(HeaderRow("left out", line))
    rows += [HeaderRow("missing", sentence) for sentence in dict.fromkeys(missing)]
    if agent_files:
        names = {path.name: path for path in agent_files}
        rows.append(HeaderRow("agent", f"{agent_files[0]}, {len(names)} modules", hash_of_files(names)))
    rows += [HeaderRow("device", ", ".join(settings.device))]
    if settings.config is not None:
        rows.append(HeaderRow("config file", str(settings.config), sha256_of(read_source(settings.config))))
    if limits is not None:
        whose = f"{len(limits)} of the config file" if settings.limits else f"the {len(limits)} usual ones"
        rows.append(HeaderRow("limits", whose, hash_of_texts({name: str(limit) for name, limit in limits.items()})))
    mark = f"{NOT_A_RELEASE}; " if is_rehearsal() else ""
    return header_text(f"{mark}{settings.source}", rows)


def _numbers(targets: Iterable[str]) -> str:
    """How many files an application has: ``7 modules, 3 other files``."""
    modules = [is_module(target) for target in targets]
    others = len(modules) - sum(modules)
    return f"{sum(modules)} module{'s' * (sum(modules) != 1)}" + (
        f", {others} other file{'s' * (others != 1)}" if others else ""
    )


def _library_rows(label: str, folder: Path, contents: Contents) -> list[HeaderRow]:
    if contents.cors is not None:
        return [HeaderRow(label, str(contents.cors), sha256_of(read_source(contents.cors)))]
    files = contents.layers[LIBRARY]
    return [HeaderRow(label, f"{folder}, {_numbers(files)}", hash_of_files(files))] if files else []
