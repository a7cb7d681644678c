"""Two firmwares on one board, by alternating installations of their images, with the same library and application.

An installation takes a minute and wears the flash, so there are few: sessions of several boots each, in an order in
which what drifts evenly or faster and faster meets both sides alike. How far sessions of one side differ is part of
every interval, because figures of one installation are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from camrig.bringup.board import Board
from camrig.bringup.flashing import load_image
from camrig.bringup.in_force import run_header
from camrig.bringup.installation import install
from camrig.compare.alternating import Boots, compare, side_samples
from camrig.compare.finish import finish
from camrig.compare.quiet_steps import steps_of_first_boots
from camrig.compare.whole_boot import WholeBoots
from camrig.compare.whole_metrics import whole_limits
from camrig.errors import BlockedError, SettingsError
from camrig.firmware.image import Image
from camrig.gate.baseline import Baseline
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import demand_writable, remove_older
from camrig.gate.limits import Limit
from camrig.gate.provenance import FIRMWARE
from camrig.gate.sequential_plan import one_look
from camrig.gate.verdict import GateVerdict
from camrig.measure.recorder import Recorder
from camrig.probe.interleaved import SIDES
from camrig.report.header import short
from camrig.settings.resolve import Settings

# The sequence of Thue and Morse, in which neither side is earlier on average. The baseline begins, to show that the
# board is all right. Six installations are enough for the eight sessions.
SCHEDULE = "baababba"
BOOTS = 6  # of a session


class Installer(Protocol):
    """Makes a board run exactly an image, and leaves it in its raw REPL. Raises CamrigError. See ``install``."""

    def __call__(self, board: Board, image: Image) -> object: ...


@dataclass
class FirmwareSession:
    """Measures the candidate, side a, and the baseline, side b, in sessions of ``boots``, as ``schedule`` says."""

    boots: Boots
    limits: Mapping[str, Limit]
    facts: Mapping[str, Mapping[str, str | int | float | bool | None]]  # of each side, for its provenance
    demanded: bool = False
    schedule: str = SCHEDULE
    say: Callable[[str], None] = lambda line: None
    sessions: dict[str, list[Recorder]] = field(default_factory=lambda: {side: [] for side in SIDES})
    orders: list[str] = field(default_factory=list)  # the side of each session

    def run(self) -> None:
        """Measure. Raises CamrigError."""
        for number, side in enumerate(self.schedule, 1):
            recorder = Recorder()
            for _ in range(BOOTS):
                self.boots.take(side, recorder)
            self.sessions[side].append(recorder)
            self.orders.append(side)
            self.say(f"session {number} of {len(self.schedule)}: {BOOTS} boots")

    def comparison(self) -> Comparison:
        """What was measured, for the gate: the sessions of both sides, which were not measured at once."""
        sides = {side: self._side(side) for side in SIDES}
        compared = (*FIRMWARE, *(name for name in self.facts[SIDES[0]]))
        return compare(sides, self.boots.missing, self.limits, self.demanded, one_look(), compared, paired=False)

    def _side(self, side: str) -> Baseline:
        return side_samples(self.boots.provenances[side], self.facts[side], self.sessions[side])


def run_firmware_ab(
    settings: Settings,
    candidate: Path,
    baseline: Path,
    seed: int,
    show: Callable[[Comparison, GateVerdict], None],
) -> GateVerdict:
    """Compare the firmware in the file ``candidate`` with that in ``baseline``. Raises CamrigError."""
    if settings.evidence:
        demand_writable(settings.evidence)
    images = find_images(candidate, baseline)
    limits = whole_limits(settings, print)
    print(run_header(settings, limits))
    for words, side in zip(("candidate", "baseline"), SIDES, strict=True):
        image = images[side]
        print(f"  {words} firmware  {image.name}, {image.title}  {short(image.sha256)}")
    if settings.evidence:
        remove_older(settings.evidence)
    settings = replace(settings, firmware=None)  # it would be installed first, and when a board is brought back
    with Board(settings.device[0], settings, steps_of_first_boots()) as board:
        boots = firmware_boots(board, images, limits, seed)
        facts = {side: {"image": f"{images[side].title} {short(images[side].sha256)}"} for side in SIDES}
        session = FirmwareSession(boots, limits, facts, bool(settings.limits), say=board.steps.say)
        record = {
            "seed": seed,
            "images": {side: {"file": images[side].name, "sha256": images[side].sha256} for side in SIDES},
        }
        verdict = finish(board, session, boots, show, record)
        board.session.repl()
        install(board, images[SIDES[1]])
        board.over_the_air.confirm()
        board.steps.say(f"the board has the baseline's firmware again, {images[SIDES[1]].title}")
    return verdict


def find_images(candidate: Path, baseline: Path) -> dict[str, Image]:
    """The checked images of both sides. Raises FirmwareError for one that is none, SettingsError for one twice."""
    images = {side: load_image(path) for side, path in zip(SIDES, (candidate, baseline), strict=True)}
    if len({image.sha256 for image in images.values()}) == 1:
        raise SettingsError(
            f"{candidate} and {baseline} are the same firmware, so there is nothing to compare",
            hint="name two images",
        )
    return images


def firmware_boots(
    board: Board,
    images: Mapping[str, Image],
    limits: Mapping[str, Limit],
    seed: int = 0,
    installer: Installer = install,
) -> WholeBoots:
    """Boots of ``board``, with the firmware of either side installed where it is not the one that runs."""
    running: list[str] = []

    def prepare(side: str) -> None:
        if running[-1:] != [side]:
            mac = board.identity.mac
            installer(board, images[side])
            if board.identity.mac != mac:
                raise BlockedError(
                    f"after the installation another board answers: {board.identity.mac} instead of {mac}",
                    board=board.spec,
                    hint="check which boards are plugged in",
                )
            board.forget_deployment()
            boots.forget_dut()
            running.append(side)
        board.deploy(measure_imports=False)

    names = {side: f"the firmware {images[side].name}" for side in SIDES}
    boots = WholeBoots(board, names, prepare, limits, seed=seed)
    return boots
