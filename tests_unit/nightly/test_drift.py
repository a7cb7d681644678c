"""What moved until this night, and the comparison by which a step is confirmed at once."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from camrig.cli.parser import parser
from camrig.errors import HistoryError
from camrig.history.add import keep_comparison
from camrig.history.store import FILE, opened
from camrig.history.trend import POSSIBLE
from camrig.nightly.drift import (
    NO_COPY,
    SAME_LIBRARY,
    answer,
    confirmation,
    line,
    moved,
    suspects,
    worse_metrics,
)
from camrig.nightly.libraries import keep_library, kept_library, library_of_commit
from camrig.settings.resolve import Settings
from camrig.stages.stage import Stage

from benchmarks.nights import KINDS, Planted, World, write
from tests_unit.conftest import ROOT

BOARD = "24:6f:28:aa:10:0"
OLD, NEW = "3f" * 32, "5b" * 32
WORLD = World(
    boards=2,
    nights=40,
    planted=(Planted(39, "heap.preflight.added", 0.25, (0,)),),
    facts={"library": {0: OLD, 39: NEW}},
    failed=(),
)


@pytest.fixture
def results(tmp_path):
    write(WORLD, tmp_path / FILE, seed=3)
    return tmp_path


@pytest.fixture
def known(results):
    return moved(results)


def events_of(known, metric):
    return [event for event in known.events() if metric in event.metrics]


def library_copy(results, sha256):
    folder = results / "libraries" / sha256[:16]
    shutil.copytree(ROOT / "lib", folder)
    return folder


def test_a_step_of_this_night_is_named_unconfirmed_with_its_causes(known, results):
    (change,) = suspects(known.changes).values()
    assert change.metric == "heap.preflight.added"
    (event,) = events_of(known, change.metric)
    text = line(event)
    assert f"{change.board}: heap.preflight.added " in text
    assert "(+2" in text
    assert ": a possible step, unconfirmed, since " in text
    assert "; library 3f3f3f3f → 5b5b5b5b" in text
    assert line(event, "the reason").endswith("; the reason")
    assert known.page == results / "trend.html"
    assert "heap.preflight.added" in known.page.read_text()


def test_a_step_for_the_better_needs_no_comparison(tmp_path):
    better = Planted(39, "heap.preflight.added", -0.25, (0,))
    write(replace(WORLD, planted=(better,)), tmp_path / FILE, seed=3)
    known = moved(tmp_path)
    (event,) = events_of(known, "heap.preflight.added")
    assert "unconfirmed, for the better, since " in line(event)
    assert "heap.preflight.added" not in [suspect.metric for suspect in suspects(known.changes).values()]


def test_metrics_that_step_together_are_one_line_the_largest_first(tmp_path):
    shares = {f"heap.{kind}.allocated": 0.25 * place for place, kind in enumerate(KINDS, 1)}
    planted = tuple(Planted(39, metric, share, (0, 1)) for metric, share in shares.items())
    write(replace(WORLD, planted=planted), tmp_path / FILE, seed=3)
    known = moved(tmp_path)
    event = known.events()[0]
    assert list(event.metrics)[: len(shares)] == list(reversed(shares))
    text = line(event)
    assert text.startswith(f"2 boards ({BOARD}0, {BOARD}1): heap.{KINDS[-1]}.allocated ")
    assert f"; also heap.{KINDS[-2]}.allocated +175.0%, heap." in text
    assert re.search(r" and \d more metrics; library 3f3f3f3f → 5b5b5b5b", text)
    assert all(len(events_of(known, metric)) == 1 for metric in shares)


def test_a_comparison_confirms_the_step_in_the_trend_of_every_later_night(known, results):
    (change,) = suspects(known.changes).values()
    with opened(results / FILE) as connection:
        query = "SELECT max(started) FROM runs JOIN boards ON boards.run = runs.id WHERE name = ?"
        (started,) = connection.execute(query, (change.board,)).fetchone()
    record = answer(change, known.boards, started, worse_metrics(change, results / "no-evidence.zip"))
    assert (record.candidate, record.baseline, record.worse) == (NEW, OLD, ("heap.preflight.added",))
    keep_comparison(results / FILE, results, record)
    later = moved(results)
    assert "heap.preflight.added" not in {suspect.metric for suspect in suspects(later.changes).values()}
    (event,) = events_of(later, change.metric)
    assert event.kind == "regression"
    assert re.search(r": a step, since .*; confirmed by camrig ab: that night's library is worse", line(event))
    assert "confirmed by camrig ab" in later.page.read_text()
    keep_comparison(results / FILE, results, replace(record, worse=()))
    (event,) = events_of(moved(results), change.metric)
    assert line(event).endswith("; camrig ab of both libraries shows no difference: it is not the library")
    assert event.kind == POSSIBLE


def test_nothing_is_said_of_nights_that_are_even(tmp_path):
    write(replace(WORLD, planted=(), facts={}), tmp_path / FILE, seed=3)
    assert list(moved(tmp_path).changes) == []


def test_without_a_history_there_is_no_trend(tmp_path):
    with pytest.raises(HistoryError, match="there is no history"):
        moved(tmp_path)


def test_both_kept_libraries_are_compared_on_the_board_of_the_step(known, results, tmp_path):
    old, new = library_copy(results, OLD), library_copy(results, NEW)
    (change,) = suspects(known.changes).values()
    settings = Settings(results=results, lib=ROOT / "lib")
    stage = confirmation(change, known.boards, settings, "/dev/ttyUSB3", ["--hil-device=/dev/ttyUSB3"], tmp_path)
    assert isinstance(stage, Stage)
    assert stage.board == "/dev/ttyUSB3"
    words = parser(stage.words[1:]).parse_args(stage.words[1:])
    assert (words.candidate, words.baseline, words.device) == (str(new), str(old), ["/dev/ttyUSB3"])


def test_a_step_without_both_libraries_stays_unconfirmed(known, results, tmp_path):
    (change,) = suspects(known.changes).values()
    settings = Settings(results=results, lib=ROOT / "lib")
    assert confirmation(change, known.boards, settings, "x", [], tmp_path) == NO_COPY
    night = known.boards[change.board].nights[change.night]
    night.facts["library"] = OLD
    assert confirmation(change, known.boards, settings, "x", [], tmp_path) == SAME_LIBRARY


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits of a library, and the first commit's name."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "lib", folder / "firmware" / "lib", ignore=shutil.ignore_patterns("__pycache__"))

    def git(*words):
        names = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", "-C", folder, *names, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    first = git("rev-parse", "HEAD")
    cors = folder / "firmware" / "lib" / "microdot" / "cors.py"
    cors.write_text(cors.read_text() + "\nLATER = True\n")
    git("commit", "-q", "-a", "-m", "second")
    return folder, first


def test_the_library_of_the_night_before_comes_out_of_git(repository, tmp_path):
    folder, first = repository
    before = library_of_commit(folder / "firmware" / "lib", first, tmp_path / "before")
    assert before == tmp_path / "before"
    assert "LATER" not in (before / "microdot" / "cors.py").read_text()
    assert (before / "microdot" / "cors.py").read_bytes() == (ROOT / "lib" / "microdot" / "cors.py").read_bytes()


@pytest.mark.parametrize("commit", ["", "main", "0" * 40, "f" * 40 + "+", "--output=/tmp/x" + "0" * 40])
def test_a_commit_that_git_does_not_have_gives_no_library(repository, tmp_path, commit):
    assert library_of_commit(repository[0] / "firmware" / "lib", commit, tmp_path / "before") is None


def test_a_folder_outside_git_gives_no_library(tmp_path):
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    assert library_of_commit(tmp_path / "lib", "0" * 40, tmp_path / "before") is None


def test_a_library_is_kept_once_and_only_as_it_was_deployed(tmp_path):
    import hashlib

    source = hashlib.sha256((ROOT / "lib" / "microdot" / "cors.py").read_bytes()).hexdigest()
    keep_library(tmp_path, ROOT / "lib", "0" * 64, NEW)  # another source: it was changed meanwhile
    assert kept_library(tmp_path, NEW) is None
    keep_library(tmp_path, ROOT / "lib", source, NEW)
    keep_library(tmp_path, ROOT / "lib", source, NEW)
    copy = kept_library(tmp_path, NEW)
    assert (copy / "microdot" / "cors.py").read_bytes() == (ROOT / "lib" / "microdot" / "cors.py").read_bytes()
    assert [path.name for path in (tmp_path / "libraries").iterdir()] == [NEW[:16]]
    for damaged in ("", "../../etc", "5b"):
        assert kept_library(tmp_path, damaged) is None
        keep_library(tmp_path, ROOT / "lib", source, damaged)
