"""What a release keeps besides the evidence of its suite: image, stages, commits, tools and clocks, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from camrig.errors import BaselineError
from camrig.gate.json_file import Fields, parse_json
from camrig.release_stage import NOT_A_RELEASE

KIND, SCHEMA = "release", 1
FLASH, DEPLOY, SUITE, SOAK = "flash", "deploy", "suite", "soak"
NOT_REHEARSED = "not rehearsed: no image"
_HINT = "record the evidence again"


@dataclass(frozen=True)
class StageRecord:
    """How a stage ended: its exit code by the rule of a run, seconds, and the reason in words."""

    name: str
    code: int
    seconds: float
    words: str = ""


@dataclass(frozen=True)
class Firmware:
    """The image: its file's name and SHA-256, and the SHA-256 read back from the board, empty if none was."""

    name: str
    sha256: str
    read_back: str = ""


@dataclass(frozen=True)
class Source:
    """Where library, application or rig come from: a commit and whether it had changes; None where git knows none."""

    commit: str | None
    dirty: bool | None


@dataclass(frozen=True)
class ClockCourse:
    """How far the wall clock and the monotonic one got ``apart`` at most, and how far they may. Seconds."""

    seconds: float
    apart: float
    limit: float

    @property
    def jumped(self) -> bool:
        return not abs(self.apart) <= self.limit


@dataclass(frozen=True)
class ReleaseRecord:
    """A release or its rehearsal, as far as it came. ``soak_seconds`` is zero where no soak was asked for."""

    rehearsal: bool
    board: str
    baseline: str
    started: str
    firmware: Firmware
    stages: Sequence[StageRecord]
    clock: ClockCourse
    sources: Mapping[str, Source] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    soak_seconds: float = 0.0
    signed: bool = False

    @property
    def expected(self) -> tuple[str, ...]:
        """The stages that a release has to pass."""
        return (FLASH, DEPLOY, SUITE, *((SOAK,) if self.soak_seconds else ()))


def record_text(record: ReleaseRecord, decision: Mapping[str, Any]) -> str:
    """The record as a file, with what was decided from it."""
    mark = {"mark": NOT_A_RELEASE} if record.rehearsal else {}
    data = {"kind": KIND, "schema": SCHEMA, **mark, **asdict(record), "decision": decision}
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_record(content: bytes, source: str) -> tuple[ReleaseRecord, dict[str, Any]]:
    """The record out of ``content``, which came from ``source``, and the decision stated. Raises BaselineError."""
    name = f"the record of {source}"
    try:
        data = parse_json(content)
    except ValueError:
        raise BaselineError(f"{name} is damaged: it is not JSON", hint=_HINT) from None
    fields = Fields(data, name, _HINT)
    if fields.text("kind") != KIND or fields.integer("schema") != SCHEMA:
        raise BaselineError(
            f"{name} is of another camrig", hint="read it with the camrig that wrote it, or a newer one"
        )
    firmware, clock, sources = (fields.object(part) for part in ("firmware", "clock", "sources"))
    record = ReleaseRecord(
        rehearsal=fields.flag("rehearsal"),
        board=fields.text("board"),
        baseline=fields.text("baseline"),
        started=fields.text("started"),
        firmware=Firmware(firmware.text("name"), firmware.text("sha256"), firmware.text("read_back")),
        stages=tuple(
            StageRecord(stage.text("name"), stage.integer("code"), stage.number("seconds"), stage.text("words"))
            for stage in fields.objects("stages")
        ),
        clock=ClockCourse(clock.number("seconds"), clock.number("apart"), clock.number("limit")),
        sources={part: _source(sources.object(part)) for part in sources.names()},
        tools={tool: str(version) for tool, version in fields.scalars("tools").items()},
        soak_seconds=fields.number("soak_seconds"),
        signed=fields.flag("signed"),
    )
    fields.object("decision")
    return record, dict(data["decision"])


def _source(fields: Fields) -> Source:
    return Source(fields.optional_text("commit"), fields.optional_flag("dirty"))
