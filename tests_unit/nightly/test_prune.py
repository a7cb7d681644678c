"""What of earlier nights goes: by age, by size, never the newest, never what camrig did not name."""

from __future__ import annotations

import os
import time

import pytest
from camrig.nightly.prune import DAY, NEWEST, Keep, Leftover, leftovers, prune, to_remove
from hypothesis import given
from hypothesis import strategies as st

KINDS = ("results", "evidence", "logs", "libraries")


def aged(path, days, size=1000):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


@pytest.fixture
def results(tmp_path):
    for day in range(1, 21):
        stamp = f"202601{day:02}T010000"
        for name in (f"run-{stamp}.json", f"evidence-{stamp}-sim.zip", f"nightly-{stamp}-suite-sim.log"):
            aged(tmp_path / name, 200 - day)
    return tmp_path


def test_what_is_old_goes_and_the_newest_stay(results):
    pruned = prune(results, Keep(days=90))
    assert pruned.files == 3 * (20 - NEWEST)
    assert sorted(path.name[4:12] for path in results.glob("run-*")) == [f"202601{day}" for day in range(15, 21)]
    assert str(pruned) == "42 files of earlier nights, 0.0 MB"
    assert prune(results, Keep(days=90)).files == 0


def test_what_camrig_did_not_name_stays_whatever_its_age(results):
    names = [
        "baselines/v1.4.json", "baselines/calibration.ab.json", "baselines/run-20260101T010000.json",
        "history.sqlite",
        "history.sqlite-wal", "release-1.5.zip", "run-1.json", "evidence.zip", "trend.html", "nightly.json",
        ".gitignore",
        "run-20260101T010000.json.bak", "notes/run-20260101T010000.json", "evidence-20260101T010000-../x.zip",
    ]  # fmt: skip
    for name in names:
        aged(results / name, 4000)
    prune(results, Keep(days=1, size=1))
    assert [name for name in names if not (results / name).exists()] == []


def test_links_are_neither_followed_nor_removed(results, tmp_path_factory):
    outside = aged(tmp_path_factory.mktemp("outside") / "run-20250101T010000.json", 4000)
    (results / "run-20250101T010000.json").symlink_to(outside)
    prune(results, Keep(days=1))
    assert outside.exists()
    assert (results / "run-20250101T010000.json").is_symlink()


def test_the_oldest_go_when_all_take_too_much(results):
    aged(results / "evidence-20260131T010000-sim.zip", 1, size=100_000)
    pruned = prune(results, Keep(days=10_000, size=130_000))
    assert 25 < pruned.files < 45
    assert sum(entry.size for entry in leftovers(results)) <= 130_000
    assert (results / "evidence-20260131T010000-sim.zip").exists()


def test_what_is_large_does_not_drive_out_what_is_newer_than_itself(tmp_path):
    sizes = {12: 10, 11: 5000, 10: 10, 9: 10}
    for day in range(1, 13):
        aged(tmp_path / f"evidence-202601{13 - day:02}T010000-sim.zip", day, size=sizes.get(day, 1))
    assert prune(tmp_path, Keep(size=100)).files == 2
    assert len(list(tmp_path.iterdir())) == 10
    assert prune(tmp_path, Keep(size=100)).files == 0


def test_without_a_history_the_results_stay(results):
    prune(results, Keep(days=1), results_too=False)
    assert len(list(results.glob("run-*.json"))) == 20
    assert len(list(results.glob("evidence-*"))) == NEWEST


def test_a_copy_of_a_library_goes_with_its_folder(tmp_path):
    for number in range(NEWEST + 2):
        folder = tmp_path / "libraries" / f"{number:016x}"
        aged(folder / "microdot" / "cors.py", 100)
        os.utime(folder, (time.time() - (200 - number) * DAY,) * 2)
    aged(tmp_path / "libraries" / "mine" / "cors.py", 4000)
    assert prune(tmp_path, Keep(days=90)).files == 2
    assert sorted(path.name for path in (tmp_path / "libraries").iterdir())[0] == f"{2:016x}"
    assert (tmp_path / "libraries" / "mine").exists()


def test_a_folder_that_is_missing_has_nothing_to_remove(tmp_path):
    assert prune(tmp_path / "nowhere", Keep()).files == 0


ENTRY = st.builds(Leftover, st.just(None), st.sampled_from(KINDS), st.floats(0, 1e8), st.integers(0, 10**9))


@given(st.lists(ENTRY, max_size=60), st.floats(1, 400), st.integers(0, 10**10))
def test_the_newest_stay_and_the_rest_fits(entries, days, size):
    entries.sort(key=lambda entry: -entry.changed)
    now = 1e8
    going = to_remove(entries, Keep(days, size), now)
    for kind in KINDS:
        of_kind = [entry for entry in entries if entry.kind == kind]
        assert not [entry for entry in of_kind[:NEWEST] if any(entry is gone for gone in going)]
    staying = [entry for entry in entries if not any(entry is gone for gone in going)]
    protected = sum(
        entry.size for kind in KINDS for entry in [each for each in entries if each.kind == kind][:NEWEST]
    )
    assert sum(entry.size for entry in staying) <= size + protected
    assert all(now - entry.changed <= days * DAY for entry in staying if not _is_newest(entry, entries))


def _is_newest(entry, entries):
    return any(entry is each for each in [each for each in entries if each.kind == entry.kind][:NEWEST])
