"""The commands of a release: flash, deploy, suite with measurement and gate, soak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.release.record import DEPLOY, FLASH, SOAK, SUITE
from camrig.settings.resolve import Settings
from camrig.stages.stage import Stage
from camrig.stages.words import (
    OF_ALL,
    OF_SOAK,
    OF_SUITE,
    SECONDS_BESIDE_SOAK,
    SECONDS_OF_SUITE,
    forwarded,
    words_of_board,
)

SECONDS_OF_FLASH, SECONDS_OF_DEPLOY = 1800.0, 600.0
OF_RELEASE_SUITE = tuple(name for name in OF_SUITE if name not in ("compare_anyway", "require"))


@dataclass(frozen=True)
class Outputs:
    """The files of one release, all in the folder of results."""

    folder: Path
    stamp: str

    def path(self, ending: str) -> Path:
        return self.folder / f"release-{self.stamp}{ending}"

    @property
    def evidence(self) -> Path:
        return self.path(".zip")

    @property
    def suite_evidence(self) -> Path:
        return self.path("-suite.zip")

    @property
    def junit(self) -> Path:
        return self.path(".xml")

    @property
    def page(self) -> Path:
        return self.path(".html")

    @property
    def record(self) -> Path:
        return self.path(".json")

    def log(self, stage: Stage) -> Path:
        return self.path(f"-{stage.name}.log")


class Plan:
    """The stages for one board. ``flags`` are the options of the command line."""

    def __init__(self, settings: Settings, flags: Mapping[str, Any], baseline: str, outputs: Outputs) -> None:
        self._settings, self._flags, self._baseline, self._outputs = settings, flags, baseline, outputs
        (self._spec,) = settings.device

    def flash(self) -> Stage:
        words = ["camrig", FLASH, str(self._settings.firmware), f"--hil-device={self._spec}"]
        words += forwarded(self._flags, ("baud", "boot_timeout", "lines", "wait"))
        return Stage(FLASH, self._spec, words, SECONDS_OF_FLASH)

    def deploy(self) -> Stage:
        words = ["camrig", DEPLOY, *self._of_board()[:-1], *forwarded(self._flags, (*OF_ALL, "lib", "firmware"))]
        return Stage(DEPLOY, self._spec, words, SECONDS_OF_DEPLOY)

    def suite(self, tests: Sequence[str], hardware: bool) -> Stage:
        words = ["pytest", *self.suite_words(tests, hardware), f"--hil-evidence={self._outputs.suite_evidence}"]
        return Stage(SUITE, self._spec, [*words, f"--junitxml={self._outputs.junit}"], SECONDS_OF_SUITE)

    def suite_words(self, tests: Sequence[str], hardware: bool) -> list[str]:
        """The words that say what is checked; the others say where that is written."""
        kinds = [
            kind for kind, needed in (("hardware", hardware), ("browser", self._settings.asks_browser)) if needed
        ]
        return [
            *tests,
            *self._of_board(),
            *forwarded(self._flags, OF_RELEASE_SUITE),
            f"--hil-require={','.join(kinds) or 'any'}",
            f"--hil-compare={self._baseline}",
        ]

    def soak(self, seconds: float) -> Stage:
        words = ["camrig", SOAK, f"--time={seconds:.3f}s", *self._of_board()]
        return Stage(SOAK, self._spec, [*words, *forwarded(self._flags, OF_SOAK)], seconds + SECONDS_BESIDE_SOAK)

    def _of_board(self) -> list[str]:
        return words_of_board(self._spec, self._settings)
