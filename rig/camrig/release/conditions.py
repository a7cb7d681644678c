"""What a release needs before it writes anything: each is refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import camrig
from camrig.bringup.board import Board
from camrig.bringup.contents import contents_for
from camrig.bringup.surroundings import repository, unlike_commit
from camrig.deploy.layers import APPLICATION, LIBRARY
from camrig.errors import BaselineError, BlockedError, CamrigError, NoMicroPythonError, SettingsError
from camrig.gate.baseline import Baseline, load_baseline
from camrig.release.record import Source
from camrig.report.own_ignore import ignore_itself
from camrig.settings.duration import in_words
from camrig.settings.resolve import Settings
from camrig.soak.course import LONGEST_WINDOW
from camrig.soak.metrics import FEWEST_READINGS
from camrig.stages.words import known_mac
from camrig.steps import Steps
from camrig.whole_file import demand_place, temporary_folder

SECONDS_TO_COLLECT = 300.0
SHORTEST_SOAK = (FEWEST_READINGS + 5) * LONGEST_WINDOW
COLLECTION = "camrig.plugin.collection"  # run as a program: what it imports is pytest's business


def demand_decidable_soak(seconds: float) -> None:
    """Raises SettingsError for a soak that ends before it can decide whether memory is leaked."""
    if 0 < seconds < SHORTEST_SOAK:
        raise SettingsError(
            f"a soak of {in_words(seconds)} decides nothing, as it reads the heap once a minute",
            hint=f"give it {in_words(SHORTEST_SOAK)} or more, or leave it out",
        )


def demand_settings(settings: Settings, rehearsal: bool) -> None:
    """Raises SettingsError unless there is one board of the right kind, an image, and no comparison at any price."""
    if len(settings.device) != 1:
        raise SettingsError("a release is of one board", hint="give one --device")
    (spec,) = settings.device
    if settings.is_virtual(spec) and not rehearsal:
        raise SettingsError(
            "a virtual board releases nothing", hint="name a board with --device, or rehearse with --rehearsal"
        )
    if rehearsal and not settings.is_virtual(spec):
        raise SettingsError(f"a rehearsal runs on a virtual board, and {spec} is not one", hint="add --device sim")
    if settings.firmware is None and not rehearsal:
        raise SettingsError("a release needs the image of the firmware", hint="give --firmware FILE")
    if settings.compare_anyway:
        raise SettingsError(
            "a release is not compared with a baseline of another board",
            hint="leave out compare-anyway, also in camrig.toml and CAMRIG_COMPARE_ANYWAY",
        )


def sources(settings: Settings) -> dict[str, Source]:
    """Where library, application and rig come from. Raises SettingsError for a library that no commit names."""
    known = {
        "library": _source(settings.lib),
        "application": _source(settings.app),
        "rig": _source(Path(camrig.__file__).parent),
    }
    library = known["library"]
    if library.commit is None or library.dirty is None:
        raise SettingsError(
            f"the library {settings.lib} is in no commit of a git repository",
            hint="commit it, and name its folder with --hil-lib",
        )
    for name, folder in (("library", settings.lib), ("application", settings.app)):
        if known[name].dirty:
            raise SettingsError(
                f"the repository of the {name} {folder} has changes that are in no commit",
                hint="commit or remove them: git status lists them",
            )
    layers = contents_for(settings, agent=False).layers
    for name, layer in (("library", LIBRARY), ("application", APPLICATION)):
        if known[name].commit and (file := unlike_commit(layers[layer].values())) is not None:
            raise SettingsError(
                f"{file} would be deployed, and is not what the commit of the {name} has",
                hint="commit it, also if git ignores it or takes it for unchanged, or exclude it from the deploy",
            )
    return known


def sources_afterwards(settings: Settings, before: Mapping[str, Source]) -> dict[str, Source]:
    """``before``, with changes marked that came while stages ran."""
    try:
        now = sources(settings)
    except CamrigError:
        now = {}
    return {
        name: source if source == now.get(name) or name == "rig" else replace(source, dirty=True)
        for name, source in before.items()
    }


def _source(folder: Path) -> Source:
    known = repository(folder)
    return Source(known["commit"], known["dirty"]) if known else Source(None, None)


def baseline_of(settings: Settings, name: str, rehearsal: bool) -> Baseline:
    """The baseline ``name``. Raises BaselineError if there is none, or it is of another kind of board."""
    baseline = load_baseline(settings.baselines / f"{name}.json")
    if baseline.provenance.virtual != rehearsal:
        kind, needed = ("a virtual board", "hardware") if not rehearsal else ("hardware", "a virtual board")
        raise BaselineError(f"the baseline {name} is of {kind}, and this is {needed}", hint="name another one")
    return baseline


def demand_board(settings: Settings, baseline: Baseline, name: str) -> None:
    """Ask the board who it is. Raises BaselineError unless the baseline is its own, BlockedError if it is silent."""
    (spec,) = settings.device
    if settings.is_virtual(spec):
        mac, virtual = known_mac(settings.board(spec).device), True
    else:
        try:
            with Board(spec, replace(settings, firmware=None), Steps()) as board:  # it is only asked
                mac, virtual = board.identity.mac, board.identity.virtual
        except NoMicroPythonError as error:
            raise BlockedError(
                f"nobody knows which board this is: {error.what}",
                board=spec,
                hint="write any MicroPython onto it with camrig flash first",
            ) from None
    if virtual and not settings.is_virtual(spec):
        raise SettingsError(f"{spec} is a virtual board, which releases nothing")
    if mac != baseline.provenance.mac:
        raise BaselineError(
            f"the baseline {name} is of another board: {baseline.provenance.mac}, and this is {mac}",
            hint="save one of this board with --hil-save",
        )


def demand_places(settings: Settings, *paths: Path) -> None:
    """Raises BlockedError unless files can be written where results go."""
    try:
        ignore_itself(settings.results)
        for path in paths:
            demand_place(path)
    except OSError as error:
        raise BlockedError(
            f"the results of a release cannot be written to {settings.results}: {error.strerror}",
            hint="make room or give write access, or name another folder with --hil-results",
        ) from None


def demand_whole_suite(words: Sequence[str]) -> None:
    """Collect the checks without a board. Raises SettingsError if some are left out or will be skipped.

    ``words`` are those of the suite, whose other mistakes, such as in limits, come out as well.
    """
    with temporary_folder() as folder:
        answer = folder / "collection.json"
        try:
            done = subprocess.run(
                [sys.executable, "-m", COLLECTION, str(answer), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=SECONDS_TO_COLLECT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BlockedError(f"the checks were not collected within {SECONDS_TO_COLLECT:.0f} s") from None
        if done.returncode != 0 or not answer.is_file():
            raise SettingsError(f"pytest refuses this suite: {_reason(done.stdout)}")
        collection = json.loads(answer.read_text(encoding="utf-8"))
    for sentence in collection["against"]:
        raise SettingsError(
            sentence, hint="a release is decided by all checks: run the whole suite, without any mark"
        )


def _reason(output: bytes) -> str:
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR").lstrip(": ") for line in lines if line.startswith(("ERROR: ", "ERROR "))]
    raised = [line[1:].strip() for line in lines if line.startswith("E  ")]
    reason = (errors or lines or ["no reason is known"])[-1].strip("= ").rstrip(".")
    return ": ".join((reason, *raised[-1:]))
