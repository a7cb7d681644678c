"""Damaged and changed files put before the commands that read them: evidence, settings, baselines, Wi-Fi settings.

``python benchmarks/mutated_files.py`` changes each kind of file in 300 ways: flipped bits, cuts, each field in
another type, figures that no memory holds, deep nesting, names that stand twice, other encodings, NUL. It prints a
table and exits 1 after a traceback, a hang, memory beyond the limit, or a pass of evidence whose content was changed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camrig.cli.main import main as camrig
from camrig.gate.baseline import Baseline, save_baseline
from camrig.gate.calibration import Calibration, Noise
from camrig.gate.comparison import Comparison
from camrig.gate.control_samples import ControlRange
from camrig.gate.evidence import Evidence, write_evidence
from camrig.gate.limits import parse_limits
from camrig.gate.provenance import Provenance
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import one_look
from camrig.measure.batch import SampleBatch

SECONDS = 10  # for a command, which takes a fraction of one
MEGABYTES = 200
DEEP = 100_000
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, 10**400, 1e308, -1e308, 1e-320, float("nan"), float("inf"), "", "0", "pass",
    "\x1b[2J", "\0", "é" * 5000, [], [0], [[]], {}, {"": {}}, [1.0] * 3000, "+0 B", "< 99999 B", 2**63, "[/bold]",
)  # fmt: skip
CONFIG = """device = ["/dev/ttyUSB0", "sim"]
hil-url = ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]
results = "results"
baselines = "kept"
lib = "."
app = "."
baud = 115200
port = 8080
sim_heap = "4M"
boot_timeout = 40.0
lines = "mine"
fast = 460800
wait = 5
require = "any"
save = "name"
compare_anyway = false
evidence = "run.zip"

[limits]
latency.preflight.added = "+40 points"
heap.leak_slope = "< 1 B/request"

[wiring.mine]
idle = "dtr=0,rts=0"
reset = "rts=1 wait=0.1 rts=0"
""".replace("hil-url", "url")
WIFI = 'ssid = "lab"\npassword = "correct horse battery"\n'


@dataclass
class Tally:
    """What became of the mutated files of one kind."""

    codes: Counter[int | str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def evidence_seeds(folder: Path) -> Iterator[tuple[Path, int]]:
    """Evidence that passes, that regressed, of a run whose tests failed, and with a calibration; with its code."""
    limits = parse_limits({"latency.total": "+10%", "heap.allocated": "+0 B", "heap.leak_slope": "< 1 B/request"})
    noise = Noise("ms", 14, 0, 0.1, 0.2, 0.01, 0.02, ControlRange(3.1, 3.2, 0.1, 0.1))
    calibration = Calibration(_provenance(), {"latency.total": noise})
    for name, slower, exit_code, calibrated in (
        ("passes", 1.0, None, None), ("regressed", 1.5, None, None), ("failed", 1.0, 1, None),
        ("calibrated", 1.0, 0, calibration),
    ):  # fmt: skip
        sessions = replace(_samples(1.0), earlier=(_samples(1.0), _samples(1.0)))
        comparison = Comparison(_samples(slower), sessions, limits, one_look(), calibration=calibrated)
        verdict = comparison.decide()
        extra = {} if exit_code is None else {"run": {"exit_code": exit_code}, "notes": {"a": [1, {"b": "c"}]}}
        path = folder / f"{name}.zip"
        files = {"/main.py": "00" * 32}
        write_evidence(
            path,
            Evidence(
                comparison.candidate, {"mac": "24"}, {"port": 1}, files, "console\n" * 50, comparison, verdict, extra
            ),
        )
        yield path, exit_code or verdict.exit_code


def _provenance() -> Provenance:
    return Provenance(
        taken="2026-01-01T00:00:00", rig="0.1.0", machine="virtual board", mac="24:6f:28:00:00:01", virtual=True,
        firmware="MicroPython 1.26.0", build="b", mpy="6.3", library_sha256="ab" * 32, rssi=-50, channel=6,
        power_save=0, settings={"boot": 1},
    )  # fmt: skip


def _samples(slower: float) -> Baseline:
    timed = tuple(
        SampleBatch(tuple(slower * (5 + (n * k % 7) / 100) for k in range(1, 6)), (3.0, 3.1, 3.2)) for n in range(14)
    )
    counted = tuple(SampleBatch((64.0, 64.0)) for _ in range(12))
    slope = tuple(
        SampleBatch(tuple(100.0 + n % 2 for n in range(12)), (), tuple(float(n) for n in range(12))) for _ in range(4)
    )
    return Baseline(
        _provenance(),
        {
            "latency.total": Samples("ms", MetricKind.TIMED, timed),
            "heap.allocated": Samples("B", MetricKind.COUNTED, counted),
            "heap.leak_slope": Samples("B/request", MetricKind.SLOPE, slope),
        },
    )


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """``content`` with flipped bits, a cut, a repeated part, another encoding, or something in its middle."""
    at = chance.randrange(len(content))
    text = content.decode("utf-8", "replace")
    return chance.choice(
        (
            lambda: content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :],
            lambda: content[:at],
            lambda: content[at:],
            lambda: content + content,
            lambda: content[:at] + content[max(0, at - 40) :],
            lambda: "\ufeff".encode() + content,
            lambda: text.encode("utf-16"),
            lambda: content[:at] + b"\xff\xfe" + content[at:],
            lambda: content[:at] + b"\0" * chance.choice((1, 4096)) + content[at:],
            lambda: content[:at] + chance.choice((b"[", b"{", b'{"a":')) * DEEP + content[at:],
            lambda: content[:at] + b"9" * 5000 + content[at:],
        )
    )()


def mutated_json(content: bytes, chance: random.Random) -> bytes:
    """``content`` with one of its fields changed, left out, given twice or buried."""
    data = json.loads(content)
    places = list(_places(data))
    if not places:
        return content
    holder, key = chance.choice(places)
    way = chance.randrange(8)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
        holder[key] *= chance.choice((-1, 0, 0.5, 2, 1e6))
    elif way == 2 and isinstance(key, str):
        holder[key + "x"] = holder.pop(key)
    elif way == 3:
        holder[key] = "DEEP"
        return json.dumps(data, indent=1).encode().replace(b'"DEEP"', b"[" * DEEP + b"]" * DEEP)
    elif way == 4 and isinstance(key, str):
        value = json.dumps(holder[key])
        holder[key] = "TWICE"
        return json.dumps(data, indent=1).replace('"TWICE"', f'0,\n"{key}": {value}').encode()
    elif way == 5 and isinstance(holder[key], list):
        holder[key] = holder[key] * chance.choice((2, 300))
    else:
        holder[key] = chance.choice(VALUES)
    return json.dumps(data, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(data) if isinstance(data, dict) else range(min(len(data), 6)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def mutate_evidence(seed: Path, into: Path, chance: random.Random) -> None:
    content = members(seed)
    way = chance.randrange(10)
    if way < 2:
        into.write_bytes(mutated_bytes(seed.read_bytes(), chance))
        return
    name = chance.choice(sorted(content))
    if way == 2:
        del content[name]
    elif way == 3:
        content["more.json"] = b"{}"
    elif way == 4 or not name.endswith(".json"):
        content[name] = mutated_bytes(content[name], chance)
    elif way == 5:
        content[name] = content[chance.choice(sorted(content))]
    else:
        content[name] = mutated_json(content[name], chance)
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in content.items():
            archive.writestr(member, data)


def is_neutral(path: Path, seed: Path) -> bool:
    """Whether everything from which a verdict follows is what was written."""
    try:
        now, then = members(path), members(seed)
    except Exception:
        return False
    for content in (now, then):
        for name in ("verdict.json", "digests.json"):  # the one follows from the rest, the other is about it
            content.pop(name, None)
    return now == then


def mutated_toml(text: str, chance: random.Random) -> bytes:
    lines = text.splitlines()
    number = chance.randrange(len(lines))
    key = lines[number].partition(" = ")[0]
    values = (
        "true", "-1", "0", "1e400", "nan", "inf", "9" * 5000, '""', '" "', '"\\u0000"', '"a\\u0000b"', "[]", "[[]]",
        "{}", "{a.b.c = 1}", "[1, 2]", '["x", "x"]', "1979-05-27", "'''\n'''", '"~nobody-has-this-name/x"', '"~"',
        '"/dev/zero"', '"' + "x" * 5000 + '"', '"\\u001b[2J"', "[" * DEEP, "{a=" * 3000, '"../../.."', '"☃"',
        "0x7fffffffffffffffffff",
        f'"{"/x" * 3000}"',
    )  # fmt: skip
    way = chance.randrange(7)
    if way == 0:
        return mutated_bytes(text.encode(), chance)
    if way == 1:
        lines.insert(number, lines[number])
    elif way == 2:
        lines[number] = f"{'.'.join('a' * chance.choice((5, 3000)))} = 1"
    elif way == 3:
        lines[number] = f"{key}x = 1"
    elif "=" in lines[number]:
        lines[number] = f"{key} = {chance.choice(values)}"
    else:
        lines[number] = lines[number].replace("]", chance.choice(("", "]]", ".a]", '."\\u0000"]')))
    return "\n".join(lines).encode()


def run(arguments: list[str]) -> tuple[int | str, str]:
    """The exit code of a command in this process, or what went wrong, and what it printed."""
    out = io.StringIO()

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            return camrig(arguments), out.getvalue()
    except SystemExit as error:
        return int(error.code or 0), out.getvalue()
    except TimeoutError:
        return "hung", out.getvalue()
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:80]}", out.getvalue()
    finally:
        signal.alarm(0)


def check(tally: Tally, case: str, code: int | str, text: str, allowed: tuple[int, ...]) -> None:
    tally.codes[code] += 1
    if code not in allowed:
        tally.bad.append(f"{case}: {code}")
    elif any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
        tally.bad.append(f"{case}: a control character is printed")


def evidence(number: int, folder: Path) -> Tally:
    tally, seeds = Tally(), list(evidence_seeds(folder))
    for path, expected in seeds:
        check(tally, f"{path.name} unchanged", *run(["verdict", str(path)]), (expected,))
    target = folder / "mutated.zip"
    for case in range(number):
        seed, expected = seeds[case % len(seeds)]
        mutate_evidence(seed, target, random.Random(case))
        allowed = (4, expected) if is_neutral(target, seed) else (4,)
        code, text = run(["verdict", str(target)])
        check(tally, f"evidence {case} of {seed.name}", code, text, allowed)
    return tally


def baselines(number: int, folder: Path) -> Tally:
    tally, target = Tally(), folder / "kept" / "name.json"
    save_baseline(target, replace(_samples(1.0), earlier=(_samples(1.0),)))
    seed = target.read_bytes()
    for case in range(number):
        chance = random.Random(case)
        target.write_bytes((mutated_json if case % 4 else mutated_bytes)(seed, chance))
        for action in (["list"], ["show", "name"]):
            code, text = run(["baseline", *action, "--hil-baselines", str(target.parent)])
            check(tally, f"baseline {case} {action[0]}", code, text, (0, 4))
    return tally


def settings(number: int, folder: Path) -> Tally:
    tally = Tally()
    os.chdir(folder)
    (folder / ".git").mkdir(exist_ok=True)
    config, wifi = folder / "camrig.toml", folder / "camrig.wifi.toml"
    for case in range(number):
        chance = random.Random(case)
        config.write_bytes(mutated_toml(CONFIG, chance) if case % 4 else CONFIG.encode())
        wifi.write_bytes(WIFI.encode() if case % 4 else mutated_toml(WIFI, chance))
        code, text = run(["baseline", "list"])
        check(tally, f"settings {case}", code, text, (0, 4))
        if "correct horse battery" in text:
            tally.bad.append(f"settings {case}: the password is printed")
    config.unlink()
    wifi.unlink()
    return tally


def special_files(number: int, folder: Path) -> Tally:
    """What is not a regular file of a sane size, in place of each file that is read; as a command of its own."""
    tally = Tally()
    huge, fifo, loop = folder / "huge", folder / "fifo", folder / "loop"
    huge.touch()
    os.truncate(huge, 5 << 30)
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    bomb = folder / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("verdict.json", "w") as member:
        for _ in range(200):
            member.write(b"[" * (1 << 20))
    for path in (huge, fifo, loop, bomb, folder, Path("/dev/zero"), Path("/dev/null"), Path("/proc/self/mem")):
        work = folder / f"work-{path.name}"
        work.mkdir()
        (work / ".git").mkdir()
        (work / "kept").mkdir()
        (work / "kept" / "name.json").symlink_to(path)
        (work / "camrig.toml").symlink_to(path)
        for arguments in (["verdict", str(path)], ["baseline", "show", "name", "--hil-baselines", "kept"]):
            check(tally, f"{arguments[0]} with {path}", *_command(arguments, work), (4,))
        (work / "camrig.toml").unlink()
        check(
            tally,
            f"baseline with {path}",
            *_command(["baseline", "show", "name", "--hil-baselines", "kept"], work),
            (4,),
        )
    return tally


def _command(arguments: list[str], folder: Path) -> tuple[int | str, str]:
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "camrig", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS * 3,
        )
    except subprocess.TimeoutExpired:
        return "hung", ""
    traceback = "Traceback" in ended.stderr
    return "traceback" if traceback else ended.returncode, ended.stdout + ended.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=300, help="mutations of each kind (300)")
    number = parser.parse_args().number
    kinds: dict[str, Callable[[int, Path], Tally]] = {
        "evidence": evidence, "baselines": baselines, "settings": settings, "not a regular file": special_files,
    }  # fmt: skip
    failed = False
    for name, kind in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            tally = kind(number, Path(folder))
            os.chdir("/")
        codes = ", ".join(f"{count} x {code}" for code, count in sorted(tally.codes.items(), key=str))
        print(f"{name:20} {sum(tally.codes.values()):4} commands: {codes}; {len(tally.bad)} wrong", flush=True)
        for line in tally.bad[:20]:
            print(f"    {line}")
        failed = failed or bool(tally.bad)
    own, children = (
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"memory: {own} MB in all, {children} MB in a command; the limit is {MEGABYTES} MB")
    return int(failed or max(own, children) > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
