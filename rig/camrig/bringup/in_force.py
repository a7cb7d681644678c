"""What is in force in a run, before any board is looked for: libraries, application, agent, board, config, limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from camrig.deploy.folders import read_source
from camrig.deploy.manifest import AGENT, APPLICATION, CORS_MODULE, LIBRARY, check_sources, merge, read_layers
from camrig.errors import LibraryError, SettingsError
from camrig.gate.limits import Limit
from camrig.report.header import HeaderRow, header_text
from camrig.settings.resolve import Settings


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
    agent_file = settings.agent if agent else None
    rows, application = [], ""
    for label, (folder, original) in (libraries or {"library": (settings.lib, None)}).items():
        layers = read_layers(folder, settings.app, agent_file)
        target = next(target for target in layers[LIBRARY] if target.rpartition(".")[0] == CORS_MODULE)
        layers[LIBRARY][target] = cors = original or layers[LIBRARY][target]
        merge(layers)
        try:
            check_sources(layers)
        except LibraryError as error:
            if label != "baseline":
                raise
            raise SettingsError(error.what, hint=error.hint, details=error.details) from None
        rows.append(HeaderRow(label, str(cors), _sha256(read_source(cors))))
        modules = layers[APPLICATION]
        application = f"{settings.app}, {len(modules)} modules"
        application_hash = _hash_of_all({target: _sha256(read_source(path)) for target, path in modules.items()})
        agent_files = layers[AGENT].values()
    rows.append(HeaderRow("application", application, application_hash))
    rows += [HeaderRow("agent", str(path), _sha256(read_source(path))) for path in agent_files]
    rows += [HeaderRow("device", ", ".join(settings.device))]
    if settings.config is not None:
        rows.append(HeaderRow("config file", str(settings.config), _sha256(read_source(settings.config))))
    if limits is not None:
        whose = f"{len(limits)} of the config file" if settings.limits else f"the {len(limits)} usual ones"
        rows.append(HeaderRow("limits", whose, _hash_of_all({name: str(limit) for name, limit in limits.items()})))
    return header_text(settings.source, rows)


def _hash_of_all(texts: Mapping[str, str]) -> str:
    """One SHA-256 for names with a text each, whatever their order."""
    return _sha256("".join(f"{name} {texts[name]}\n" for name in sorted(texts)).encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
