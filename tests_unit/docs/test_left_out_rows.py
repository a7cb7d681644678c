"""Each row of the table of what is left out: files of every name in it stay behind, with the reason of the row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from camrig.cli.main import main
from camrig.deploy.contents import read_contents
from camrig.deploy.rules import DeployRules
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT
from tests_unit.docs.cistern import PAGE
from tests_unit.docs.page import codes

ROWS = PAGE.table("left out", "reason")
AT = ("", "static/deep/")  # in every folder
# Rows that say it in words: what their words stand for. Of all others, the names in code are the whole row.
IN_WORDS = {
    "names that begin with a dot": [".env", ".git/config", ".mypy_cache/a.json"],
    "folders with a `pyvenv.cfg`": ["env/pyvenv.cfg", "my own/pyvenv.cfg"],
    "also with `.txt`": ["README.txt", "LICENSE.txt", "COPYING.txt", "CHANGELOG.txt"],
    "lock files": ["uv.lock", "poetry.lock", "package-lock.json"],
    "the folders into which the rig writes results": ["results/run.json"],
    "not modules that `main.py` or `boot.py` import, whatever their names": [],
}


def parts(cell: str) -> list[str]:
    """The parts of a cell, divided by commas and semicolons: names in code, or words."""
    for words in IN_WORDS:
        cell = cell.replace(words, words.replace(",", "\0"))
    return [part.strip().replace("\0", ",") for part in cell.replace(";", ",").split(",")]


def examples(cell: str) -> list[str]:
    """A file for each name and pattern of a cell. Fails for words that nobody has put into files."""
    files = []
    for part in parts(cell):
        if part in IN_WORDS:
            files += IN_WORDS[part]
            continue
        (name,) = codes(part)
        assert part == f"`{name}`", f"nothing makes files for {part!r}"
        files.append(name.replace("*", "some") + "inside.html" * name.endswith("/"))
    return files


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_words_of_no_row_make_no_files():
    assert set(IN_WORDS) <= {part for cell, _ in ROWS for part in parts(cell)}


@pytest.mark.parametrize(("cell", "reason"), ROWS, ids=[reason for _, reason in ROWS])
def test_every_name_of_a_row_is_left_out_for_its_reason(tmp_path, cell, reason):
    write(tmp_path, "lib/microdot/cors.py")  # ours may have a cache beside it
    for number, file in enumerate(examples(cell)):
        for at in AT if reason != "results of the rig" else ("",):
            app = tmp_path / str(number) / at / "app"
            write(app, "main.py", at + file, at + "page.html")
            rules = DeployRules(results=(app / "results",))
            contents = read_contents(tmp_path / "lib", app, None, rules)
            assert {"/" + at + "page.html", "/main.py"} == set(contents.layers["the application"])
            (entry,) = contents.left_out
            assert (at + file).startswith(entry.path)
            assert entry.reason == ("dot-file" if file.startswith(".") else reason), file


def test_modules_that_main_or_boot_import_are_deployed(tmp_path):
    write(tmp_path, "test_level.py", "level_test.py", "tests/pump.py", "test_rain.py")
    (tmp_path / "main.py").write_text("import test_level\n")
    (tmp_path / "boot.py").write_text("def later():\n    import level_test\n    from tests import pump\n")
    contents = read_contents(ROOT / "lib", tmp_path, None)
    assert {entry.path for entry in contents.left_out if entry.reason == "tests"} >= {"test_rain.py"}
    application = contents.layers["the application"]
    assert {"/test_level.py", "/level_test.py", "/tests/pump.py"} <= set(application)
    assert "/test_rain.py" not in application


@pytest.fixture
def device(environment, monkeypatch) -> Iterator[str]:
    for name in ("CAMRIG_WIFI_SSID", "CAMRIG_WIFI_PASSWORD"):
        monkeypatch.setenv(name, "some words")
    with VirtualBoard.start(VirtualConfig()) as board:
        yield board.path


def test_a_dry_run_lists_each_and_a_header_sums_up_all_but_caches(device, tmp_path, monkeypatch, capsys):
    files = [(file, reason) for cell, reason in ROWS for file in examples(cell)]
    app = tmp_path / "app"
    write(app, "main.py", *(file for file, _ in files))
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAMRIG_RESULTS", str(app / "results"))
    assert main(["deploy", "--dry-run", "--device", device, "--hil-app", str(app)]) == 0
    out = capsys.readouterr().out
    listed = [line.split("  ", 1)[1] for line in out.splitlines() if line.startswith("left out  ")]
    (header,) = (line for line in out.splitlines() if line.startswith("  left out "))
    for file, reason in files:
        rows = [row for row in listed if row.rpartition("  ")[0].strip() in (file, f"{file.split('/')[0]}/")]
        assert rows
        assert {row.rpartition("  ")[2] for row in rows} == {"dot-file" if file.startswith(".") else reason}, file
    assert len(listed) == len({file.split("/")[0] for file, _ in files})
    reasons = {reason for _, reason in ROWS}
    assert {reason for reason in reasons if f"({reason})" in header} == reasons - {"cache"}
