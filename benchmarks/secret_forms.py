"""Where does the Wi-Fi password appear, if a board, a library and tests print it in 30 forms?

``python benchmarks/secret_forms.py`` lets tests and an application print a password in each form, in failures,
locals, recorded properties and notes, and looks for it in every output: terminal, JUnit's XML, JSON, evidence,
the processes that run meanwhile (arguments and environment), temporary files that others may read, camrig deploy and
camrig doctor. It prints a table and exits 1 if any form, or a control character from a board, is found.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests_unit.plugin.test_secrets import PASSWORD, SUITE  # noqa: E402
from tests_unit.test_redaction import FORMS  # noqa: E402

CONTROLS = "\x1b[2J\x07"
# What every process has that the user started: the password is in the environment of the command itself.
WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": PASSWORD}


CONTROL_TEST = """

def test_controls(dut):
    dut.agent.run({program!r})
    assert {text!r} + "a board" == "nothing"
"""


def forms() -> dict[str, str]:
    return {name: form(PASSWORD) for name, form in FORMS.items()}


def pieces() -> dict[str, str]:
    """What a cut would leave, which is looked for, but never printed as such."""
    half = len(PASSWORD) // 2
    return {"first half": PASSWORD[:half], "second half": PASSWORD[half:]}


def watched(command: list[str], folder: Path) -> tuple[int, str, dict[str, str]]:
    """Run a command; its code, what it printed, and what others could see of its processes and temporary files."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CAMRIG_", "PYTEST_"))}
    environment |= {**WIFI, "TMPDIR": str(temporary), "PYTHONIOENCODING": "utf-8", "CAMRIG_BOOT_TIMEOUT": "8"}
    seen: dict[str, set[str]] = {"arguments": set(), "environment of children": set(), "temporary files": set()}
    printed = folder / "printed"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            for pid in _children(process.pid):
                seen["arguments"].add(_content(Path(f"/proc/{pid}/cmdline")))
                if pid != process.pid:
                    seen["environment of children"].add(_content(Path(f"/proc/{pid}/environ")))
            seen["temporary files"].update(_readable(temporary))
            time.sleep(0.1)
    return process.returncode, printed.read_text("utf-8", "replace"), {k: "\n".join(v) for k, v in seen.items()}


def _children(parent: int) -> Iterator[int]:
    """A process and all below it."""
    yield parent
    try:
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            yield from _children(int(child))
    except OSError:
        return


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _readable(folder: Path) -> Iterator[str]:
    """The files below ``folder`` that another user could read."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for path in entries:
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode) and mode & 0o011:
            yield from _readable(path)
        elif stat.S_ISREG(mode) and mode & 0o044:
            yield _content(path)


def suite_outputs(folder: Path, *options: str) -> dict[str, str]:
    """What a run of tests that print the password says and keeps."""
    texts = list(forms().values())
    suite = SUITE.format(password=PASSWORD, number=len(texts), forms=texts)
    controls = CONTROL_TEST.format(program=f"print({CONTROLS!r})", text=CONTROLS)
    (folder / "test_suite.py").write_text(suite + controls, encoding="utf-8")
    command = [
        "pytest",
        str(folder / "test_suite.py"),
        "-p",
        "no:cacheprovider",
        "--hil-results",
        str(folder / "results"),
    ]
    command += ["--junitxml", str(folder / "report.xml"), "--hil-evidence", str(folder / "run.zip"), *options]
    code, printed, outputs = watched(command, folder)
    if code != 1:
        raise SystemExit(f"the tests did not fail, but ended with {code}:\n{printed}")
    outputs |= {"terminal": printed, "JUnit": (folder / "report.xml").read_text()}
    outputs["JSON"] = "\n".join(path.read_text() for path in (folder / "results").glob("*.json"))
    with zipfile.ZipFile(folder / "run.zip") as archive:
        outputs["evidence"] = "\n".join(archive.read(name).decode() for name in archive.namelist())
    return outputs


def command_outputs(folder: Path, *command: str) -> dict[str, str]:
    """What a command says of an application that prints the password while it boots, and then raises it."""
    app = folder / "app"
    shutil.copytree(ROOT / "device", app)
    lines = [f"print('form:', {text!r})" for text in forms().values()]
    main = "\n".join([*lines, f"print({CONTROLS!r})", f"raise ValueError({PASSWORD!r})\n"])
    (app / "main.py").write_text(main, encoding="utf-8")
    code, printed, outputs = watched(["camrig", *command, "--hil-app", str(app)], folder)
    if code != 6 or "***" not in printed:
        raise SystemExit(f"camrig {command[0]} ended with {code}:\n{printed}")
    return outputs | {"terminal": printed}


def main() -> int:
    failed = False
    situations = {
        "pytest": lambda folder: suite_outputs(folder),
        "pytest --showlocals": lambda folder: suite_outputs(folder, "--showlocals", "--tb=long", "-rA"),
        "pytest --tb=short": lambda folder: suite_outputs(folder, "--tb=short", "-q"),
        "camrig deploy": lambda folder: command_outputs(folder, "deploy"),
        "camrig doctor": lambda folder: command_outputs(folder, "doctor"),
    }
    for name, outputs in situations.items():
        with tempfile.TemporaryDirectory() as folder:
            for output, text in outputs(Path(folder)).items():
                places = [form for form, secret in (forms() | pieces()).items() if secret in text]
                controls = output in ("terminal", "JUnit") and "\x1b[2J" in text
                print(
                    f"{name:20} {output:24} {len(forms())} forms: {len(places)} found {' '.join(places)}", flush=True
                )
                if controls:
                    print(f"{name:20} {output:24} a control character reaches it")
                failed = failed or bool(places) or controls
            left = list((Path(folder) / "tmp").iterdir())
            failed = failed or bool(left)
            print(f"{name:20} temporary files left: {len(left)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
