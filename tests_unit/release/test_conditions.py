"""What a release refuses before anything is written: one sentence each, and no file."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.errors import NoMicroPythonError
from camrig.gate.baseline import Baseline, save_baseline
from camrig.release import conditions
from camrig.stages.words import known_mac

from tests_unit.gate.test_evidence import quiet_run
from tests_unit.gate.test_json_files import PROVENANCE
from tests_unit.release.conftest import commit, git
from tests_unit.signing.test_signatures import make_keys

VIRTUAL = known_mac("sim")


@pytest.fixture
def bench(repository, monkeypatch):
    """The repository with baselines v1 of its virtual board and real of hardware; nothing asks a board."""
    monkeypatch.chdir(repository)
    for name in ("CAMRIG_DEVICE", "ESPPORT", "CAMRIG_COMPARE_ANYWAY", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAMRIG_WIFI_SSID", "lab")
    monkeypatch.setenv("CAMRIG_WIFI_PASSWORD", "correct horse battery")
    for name, fields in (("v1", {"mac": VIRTUAL, "virtual": True}), ("real", {})):
        names = ("heap.preflight.allocated", "heap.import.microdot.cors")
        metrics = dict.fromkeys(names, quiet_run().metrics["heap.allocated"])
        save_baseline(
            repository / "results" / "baselines" / f"{name}.json", Baseline(replace(PROVENANCE, **fields), metrics)
        )
    (repository / "results" / ".gitignore").write_text("*\n")
    return repository


def refusal(bench, capsys, *words, code=4):
    before = sorted(bench.parent.rglob("*"))
    assert main(["release", *words]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("camrig: ")
    assert len(output.err.splitlines()) == 1
    caches = ("__pycache__", ".pytest_cache")
    assert [path for path in sorted(bench.parent.rglob("*")) if not set(path.parts) & set(caches)] == [
        path for path in before if not set(path.parts) & set(caches)
    ]
    return output.err


REHEARSAL = ("--rehearsal", "--baseline", "v1")


def test_a_virtual_board_is_refused_without_rehearsal(bench, capsys):
    for words in ((), ("--device", "sim"), ("--device", "sim:slow-chip")):
        assert "a virtual board releases nothing" in refusal(bench, capsys, "--baseline", "v1", *words)


@pytest.mark.parametrize("spec", ["/dev/ttyUSB0", "socket://bench:1", "auto", "id:7"])
def test_a_rehearsal_touches_no_hardware(bench, capsys, spec):
    assert "a rehearsal runs on a virtual board" in refusal(bench, capsys, *REHEARSAL, "--device", spec)


def test_an_image_that_is_missing_or_none_at_all(bench, capsys):
    hardware = ("--device", "/dev/ttyUSB9", "--baseline", "real")
    assert "needs the image of the firmware" in refusal(bench, capsys, *hardware)
    assert "is not a file" in refusal(bench, capsys, *hardware, "--firmware", "nowhere.bin")
    (bench.parent / "firmware.bin").write_bytes(b"\xe9" + b"\0" * 200)
    assert "firmware.bin" in refusal(bench, capsys, *hardware, "--firmware", str(bench.parent / "firmware.bin"))


def test_a_soak_that_is_too_short_to_decide(bench, capsys):
    words = ("--device", "/dev/ttyUSB9", "--baseline", "real", "--soak", "20m")
    (bench.parent / "firmware.bin").write_bytes(b"\xe9")
    text = refusal(bench, capsys, *words, "--firmware", str(bench.parent / "firmware.bin"))
    assert "a soak of 20 min decides nothing" in text
    assert "35 min or more" in text


def test_more_than_one_board(bench, capsys):
    assert "a release is of one board" in refusal(bench, capsys, *REHEARSAL, "--device", "sim", "--device", "sim:x")


def test_a_comparison_at_any_price(bench, capsys, monkeypatch):
    monkeypatch.setenv("CAMRIG_COMPARE_ANYWAY", "yes")
    assert "not compared with a baseline of another board" in refusal(bench, capsys, *REHEARSAL)


@pytest.mark.parametrize("change", ["lib/microdot/cors.py", "lib/new.py", "device/main.py"])
def test_a_dirty_tree(bench, capsys, change):
    with (bench / change).open("a") as file:
        file.write("\n# changed\n")
    assert "has changes that are in no commit" in refusal(bench, capsys, *REHEARSAL)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize("change", ["lib/microdot/cors.py", "device/main.py"])
def test_what_git_takes_for_unchanged_is_compared(bench, capsys, flag, change):
    git(bench, "update-index", flag, change)
    with (bench / change).open("a") as file:
        file.write("\n# changed\n")
    assert f"{change} would be deployed, and is not what the commit" in refusal(bench, capsys, *REHEARSAL)


@pytest.mark.parametrize("place", ["lib/local.py", "device/local.py", "mounted.html"])
def test_what_git_ignores_and_is_deployed_is_refused(bench, capsys, place):
    with (bench / "camrig.toml").open("a") as file:
        file.write('[deploy]\nmount = { "/page.html" = "mounted.html" }\n')
    (bench / "mounted.html").write_text("<p>")
    if place != "mounted.html":
        git(bench, "add", "mounted.html")
    (bench / ".git" / "info" / "exclude").write_text("local.py\nmounted.html\n")
    (bench / place).write_text("x = 1\n")
    git(bench, "commit", "-qam", "mount")
    assert f"{place} would be deployed, and is not what the commit" in refusal(bench, capsys, *REHEARSAL)


def test_a_hook_of_another_repository_does_not_vouch(bench, capsys, monkeypatch, tmp_path):
    with (bench / "lib" / "microdot" / "cors.py").open("a") as file:
        file.write("\n# changed\n")
    git(tmp_path, "init", "-q", "other")
    git(tmp_path / "other", "commit", "-qm", "clean", "--allow-empty")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert "has changes that are in no commit" in refusal(bench, capsys, *REHEARSAL)


@pytest.mark.parametrize("change", ["lib/microdot/cors.py", "device/main.py"])
def test_what_changes_while_stages_run_is_marked(bench, change):
    from camrig.settings.resolve import resolve

    settings = resolve({"device": ["sim"]}, {}, bench)
    before = conditions.sources(settings)
    assert conditions.sources_afterwards(settings, before) == before
    with (bench / change).open("a") as file:
        file.write("\n# changed\n")
    after = conditions.sources_afterwards(settings, before)
    assert after["library"].dirty
    assert after["rig"] == before["rig"]


def test_a_library_that_no_commit_holds(bench, capsys, tmp_path, monkeypatch):
    (bench / ".git").rename(bench / "no-git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert "is in no commit of a git repository" in refusal(bench, capsys, *REHEARSAL)
    git(bench, "init", "-q")  # without any commit
    assert "is in no commit of a git repository" in refusal(bench, capsys, *REHEARSAL)


def test_a_baseline_that_is_missing_or_of_another_kind(bench, capsys):
    assert "there is no baseline" in refusal(bench, capsys, "--rehearsal", "--baseline", "v2")
    assert "is of hardware, and this is a virtual board" in refusal(
        bench, capsys, "--rehearsal", "--baseline", "real"
    )


def test_a_baseline_of_another_virtual_board(bench, capsys):
    folder = bench / "results" / "baselines"
    text = (folder / "v1.json").read_text()
    (folder / "old.json").write_text(text.replace(VIRTUAL, f"virtual on {platform.machine()}, 99 cores"))
    assert "is of another board: virtual on" in refusal(bench, capsys, "--rehearsal", "--baseline", "old")


def test_the_board_itself_is_asked_for_its_mac(monkeypatch, bench):
    from camrig.settings.resolve import Settings

    baseline = Baseline(PROVENANCE, quiet_run().metrics)
    settings = Settings(device=("/dev/ttyUSB9",), firmware=bench / "firmware.bin")

    class Answers:
        def __init__(self, spec, settings, steps):
            assert settings.firmware is None  # a board that is asked is not flashed
            self.identity = type("Identity", (), {"mac": self.mac, "virtual": self.virtual})

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    for mac, virtual, words in (
        ("24:6f:28:00:00:02", False, "is of another board: 24:6f:28:00:00:01, and this is 24:6f:28:00:00:02"),
        (PROVENANCE.mac, True, "is a virtual board"), (PROVENANCE.mac, False, ""),
    ):  # fmt: skip
        monkeypatch.setattr(conditions, "Board", type("Board", (Answers,), {"mac": mac, "virtual": virtual}))
        if words:
            with pytest.raises(Exception, match=words):
                conditions.demand_board(settings, baseline, "v1")
        else:
            conditions.demand_board(settings, baseline, "v1")

    def silent(*_):
        raise NoMicroPythonError("something else answers")

    monkeypatch.setattr(conditions, "Board", silent)
    with pytest.raises(Exception, match="nobody knows which board this is"):
        conditions.demand_board(settings, baseline, "v1")


def test_a_hook_that_drops_checks_without_a_word(bench, capsys):
    (bench / "conftest.py").write_text("def pytest_collection_modifyitems(items):\n    del items[1:2]\n")
    commit(bench)
    assert "1 check of the suite would be dropped by a hook" in refusal(bench, capsys, *REHEARSAL)


MARKED = "import pytest\n\n@pytest.mark.{}\ndef test_more():\n    pass\n"


@pytest.mark.parametrize(("mark", "words"), [
    ("skip", "1 check would be skipped: tests/test_more.py::test_more"),
    ("skipif(True, reason='x')", "would be skipped"),
    ("xfail", "would be expected to fail"), ("xfail(True, reason='x')", "would be expected to fail"),
])  # fmt: skip
def test_a_check_that_would_not_count(bench, capsys, mark, words):
    (bench / "tests" / "test_more.py").write_text(MARKED.format(mark))
    commit(bench)
    assert words in refusal(bench, capsys, *REHEARSAL)


@pytest.mark.parametrize(("options", "words"), [
    ("-k bytes", "2 checks of the suite would be deselected"), ("-m 'not slow'", "only a part"),
    ("--deselect tests/test_more.py", "1 check of the suite would be deselected"),
    ("--no-such-option", "pytest refuses this suite: "),
])  # fmt: skip
def test_a_selection_that_comes_from_somewhere_else(bench, capsys, monkeypatch, options, words):
    (bench / "tests" / "test_more.py").write_text("def test_more():\n    pass\n")
    commit(bench)
    monkeypatch.setenv("PYTEST_ADDOPTS", options)
    assert words in refusal(bench, capsys, *REHEARSAL)


def test_a_suite_that_cannot_be_imported(bench, capsys):
    (bench / "tests" / "test_more.py").write_text("import no_such_module\n")
    commit(bench)
    reason = "tests/test_more.py: ModuleNotFoundError: No module named 'no_such_module'"
    assert f"pytest refuses this suite: {reason}" in refusal(bench, capsys, *REHEARSAL)


def test_a_part_of_the_suite_and_an_empty_one(bench, capsys):
    assert "only a part of the tests is selected" in refusal(bench, capsys, "tests/test_board.py", *REHEARSAL)
    (bench / "tests" / "test_board.py").write_text("")
    commit(bench)
    assert "has no check" in refusal(bench, capsys, *REHEARSAL)


def test_a_key_that_cannot_sign(bench, capsys, tmp_path, monkeypatch):
    assert "there is no key nowhere" in refusal(bench, capsys, *REHEARSAL, "--sign", "nowhere")
    key, _ = make_keys(tmp_path, "ssh", phrase="correct horse")
    monkeypatch.setattr("camrig.signing.program.has_terminal", lambda: False)
    assert "has a passphrase" in refusal(bench, capsys, *REHEARSAL, "--sign", str(key))


@pytest.mark.parametrize("folder", ["taken", "taken/below"])
def test_results_that_cannot_be_written(bench, capsys, folder):
    (bench / "taken").write_text("a file")
    commit(bench)
    words = ("--hil-results", folder, "--hil-baselines", "results/baselines")
    assert main(["release", *REHEARSAL, *words]) == 6
    assert "the results of a release cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--soak", "2"), ("--sign",), ("--browser",)])
def test_a_wrong_option_is_one_sentence(words, capsys):
    with pytest.raises(SystemExit, match="4"):
        main(["release", "--baseline", "v1", *words])
    assert capsys.readouterr().err.splitlines()[-1].startswith("camrig release: ")
