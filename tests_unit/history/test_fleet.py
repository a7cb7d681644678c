"""The trend of more boards than a page can draw, and what the history looks up for each of them."""

from __future__ import annotations

import re

import pytest
from camrig.history import fleet
from camrig.history.events import divided, events
from camrig.history.fleet import bounded, drawn
from camrig.history.nights import all_nights, board_nights
from camrig.history.query import Filter
from camrig.history.store import FILE, opened
from camrig.history.trend import MOST_NEIGHBOURS, trend
from camrig.history.trend_page import trend_page

from benchmarks.nights import METRICS, Planted, World, write

BOARDS, NIGHTS = 40, 30
EVERY = tuple(range(BOARDS))


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    history = tmp_path_factory.mktemp("fleet") / FILE
    write(World(BOARDS, NIGHTS, (Planted(25, "heap.error.added", 0.25, EVERY),), batches=0), history)
    return history


def of(history, chosen, monkeypatch, courses):
    monkeypatch.setattr(fleet, "COURSES", courses)
    with opened(history) as connection:
        return bounded(connection, chosen)


def test_more_courses_than_the_bound_are_read_of_the_last_nights(history, monkeypatch):
    everything = BOARDS * len(METRICS)
    assert of(history, Filter(), monkeypatch, everything) == Filter()
    monkeypatch.setattr(fleet, "NIGHTS", 7)
    few = of(history, Filter(), monkeypatch, everything - 1)
    assert few == Filter(since="2025-12-22")
    with opened(history) as connection:
        boards = board_nights(connection, few)
    assert {len(board.nights) for board in boards.values()} <= {7, 8}
    assert len(boards) == BOARDS


def test_a_filter_that_passes_few_courses_or_names_a_night_is_kept(history, monkeypatch):
    for chosen in (
        Filter(board="24:6F:28:aa:10:0?"),
        Filter(board="/dev/ttyUSB7"),
        Filter(metric="heap.error.*"),
        Filter(since="2025-11-29"),
    ):
        assert of(history, chosen, monkeypatch, 16 * len(METRICS)) == chosen
    assert of(history, Filter(metric="*"), monkeypatch, 16 * len(METRICS)).since


def test_an_empty_history_has_no_bound(tmp_path, monkeypatch):
    with opened(tmp_path / FILE, create=True) as connection:
        assert bounded(connection, Filter()) == Filter()


@pytest.fixture(scope="module")
def boards(history):
    with opened(history) as connection:
        return board_nights(connection, Filter(metric="heap.*"))


@pytest.fixture(scope="module")
def moved(boards):
    return trend(boards)


def test_a_change_is_compared_with_some_of_many_neighbours(moved):
    words = {change.neighbours for change in moved.changes}
    count = BOARDS // 2 - 1
    assert all(f"{MOST_NEIGHBOURS} of {MOST_NEIGHBOURS} neighbours on lab-" in text for text in words)
    assert all(f"({count} in all) moved too" in text for text in words)


def test_a_page_of_a_fleet_draws_the_largest_changes_alone(boards, moved, monkeypatch):
    monkeypatch.setattr("camrig.history.trend_page.COURSES", len(boards))
    monkeypatch.setattr("camrig.history.trend_page.ROWS", 10)
    page = trend_page(boards, moved)
    recent, _ = divided(events(moved.changes, boards), all_nights(boards.values())[-1])
    names = set(re.findall(r'<h3 id="([^"]+)"', page))
    assert len(names) == len(drawn(recent)) == 4
    assert set(re.findall(r'href="#([^"]+)"', page)) == names
    assert f"{NIGHTS} nights of {BOARDS} boards" in page
    assert f"{BOARDS - 10} smaller changes are not shown" in page
    assert f"{sum(map(len, moved.courses.values())) - 4} courses are not drawn" in page


def test_a_page_of_few_boards_draws_and_lists_everything(boards, moved):
    page = trend_page(boards, moved)
    assert len(re.findall(r'<h3 id="', page)) == sum(map(len, moved.courses.values()))
    assert "not drawn" not in page
    assert "not shown" not in page


@pytest.mark.parametrize(("count", "others"), [(8, ""), (9, " and 1 other"), (20, " and 12 others")])
def test_an_event_names_eight_boards_and_counts_the_others(boards, moved, count, others):
    few = sorted(boards)[:count]
    (event,) = events([change for change in moved.changes if change.board in few], boards)
    names = ", ".join(few[:8])
    assert event.where == f"on {count} of {BOARDS} boards: {names}{others}"


def test_never_more_courses_are_drawn_than_the_bound(boards, moved, monkeypatch):
    known = events(moved.changes, boards)
    monkeypatch.setattr(fleet, "DRAWN", 3)
    assert len(drawn(known)) == 3
    assert drawn(known) <= {(change.board, change.metric) for change in moved.changes}
