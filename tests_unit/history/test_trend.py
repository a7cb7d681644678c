"""The trend over the nights: grid, changes, causes, neighbours, events, and the page that shows them."""

from __future__ import annotations

import datetime
import re
from html.parser import HTMLParser

import pytest
from camrig.cli.main import main
from camrig.history.events import divided, events, sentence
from camrig.history.nights import BoardNights, Night, all_nights, board_nights, neighbours_of, night_of
from camrig.history.query import Filter
from camrig.history.store import FILE, add, opened
from camrig.history.trend import DRIFT, POSSIBLE, STEP, Change, causes, causes_near, is_worse, trend
from camrig.history.trend_drawing import SIGNS
from camrig.history.trend_page import trend_page

from benchmarks.nights import Planted, World, write
from tests_unit.history.results import board, run, written

NIGHTS = 60
BOARD = "24:6f:28:aa:10:0"
LIBRARY = {0: "3f" * 32, 40: "5b" * 32}
FEW = World(
    boards=4,
    nights=NIGHTS,
    planted=(
        Planted(40, "heap.preflight.added", 0.25, (0, 1, 2, 3)),
        Planted(48, "latency.stream.total", 0.5, (1, 3)),
        Planted(30, "latency.error.on_board", -0.2, (2,)),
        Planted(59, "latency.picture.on_board", 0.2, (0,)),
        Planted(20, "latency.actual.on_board", 0.003, (3,), per_night=True),
    ),
    facts={
        "library": LIBRARY,
        "channel": {0: "6", 48: "11"},
        "firmware": {0: "MicroPython 1.26.1", 30: "MicroPython 2.0"},
    },
    failed=(12,),
)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    history = tmp_path_factory.mktemp("nights") / FILE
    write(FEW, history, seed=3)
    return history


@pytest.fixture(scope="module")
def boards(history):
    with opened(history) as connection:
        return board_nights(connection, Filter())


@pytest.fixture(scope="module")
def moved(boards):
    return trend(boards)


def of(moved, metric: str, kind: str = STEP) -> list[Change]:
    return sorted((c for c in moved.changes if (c.metric, c.kind) == (metric, kind)), key=lambda change: change.board)


def date_of(night: int) -> datetime.date:
    return datetime.date(2025, 11, 29) + datetime.timedelta(days=night)


@pytest.mark.parametrize("clock", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_night_lasts_from_noon_to_noon(monkeypatch, clock):
    import time

    monkeypatch.setenv("TZ", clock)
    time.tzset()
    try:
        for hour, date in ((11, 30), (13, 31), (23, 31)):
            started = datetime.datetime(2026, 3, 31, hour).astimezone()
            assert night_of(started.isoformat()) == datetime.date(2026, 3, date)
        assert night_of(datetime.datetime(2026, 4, 1, 5).astimezone().isoformat()) == datetime.date(2026, 3, 31)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_step_has_its_night_its_cause_and_its_direction(moved):
    changes = of(moved, "heap.preflight.added")
    assert [change.board for change in changes] == [f"{BOARD}{number}" for number in range(4)]
    for change in changes:
        assert change.night == date_of(40)
        assert (change.before, change.after, change.worse) == (1216, 1520, True)
        assert "library 3f3f3f3f → 5b5b5b5b" in change.causes
        assert not any("firmware" in cause for cause in change.causes)


def test_neighbours_on_the_access_point_are_named(moved):
    first, second = of(moved, "latency.stream.total")
    assert (first.board, second.board) == (f"{BOARD}1", f"{BOARD}3")
    assert first.causes == ("channel 6 → 11",)
    assert first.neighbours == f"1 of 1 neighbours on lab-2 channel 11 moved too: {BOARD}3"
    (alone,) = of(moved, "latency.error.on_board")
    assert alone.neighbours == "none of 1 neighbour on lab-1 channel 1 moved the same way"
    assert alone.worse is False
    assert alone.causes == ("firmware 1.26.1 → 2.0",)


def test_a_neighbour_that_moves_the_other_way_has_not_moved_too(tmp_path):
    planted = (Planted(20, "latency.stream", 0.5, (0,)), Planted(20, "latency.stream", -0.3, (2,)))
    write(World(boards=3, nights=30, planted=planted), tmp_path / FILE)
    with opened(tmp_path / FILE) as connection:
        known = board_nights(connection, Filter(metric="latency.stream.on_board"))
    changes = of(trend(known), "latency.stream.on_board")
    assert [change.neighbours for change in changes] == [
        "none of 1 neighbour on lab-1 channel 1 moved the same way"
    ] * 2


def test_the_last_night_alone_is_only_possible(moved):
    assert of(moved, "latency.picture.on_board") == []
    (possible,) = of(moved, "latency.picture.on_board", POSSIBLE)
    assert (possible.board, possible.night) == (f"{BOARD}0", date_of(59))


def test_a_drift_is_named_with_its_pace(moved):
    assert of(moved, "latency.actual.on_board") == []
    (drift,) = of(moved, "latency.actual.on_board", DRIFT)
    assert drift.lasts
    assert abs((drift.night - date_of(20)).days) <= 8
    assert (drift.after - drift.before) / drift.nights / drift.before == pytest.approx(0.003, rel=0.2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("lab", "attic", ["access point lab → attic"]), ("", "lab", []), ("lab", "", []), ("lab", "lab", [])],
)
def test_another_access_point_is_a_cause_and_an_unknown_one_is_not(old, new, words):
    facts = dict.fromkeys(
        ("firmware", "build", "library", "application", "camrig", "host", "channel", "git_commit"), "x"
    )
    nights = [Night("passed", False, {**facts, "access_point": name}) for name in (old, new)]
    assert list(causes(*nights)) == words


def test_a_small_step_names_a_cause_some_nights_away():
    nights = [date_of(night) for night in range(20)]
    facts = dict.fromkeys(
        ("firmware", "build", "application", "camrig", "host", "access_point", "channel", "git_commit"), ""
    )
    known = {
        night: Night("passed", False, {**facts, "library": "new" if night >= date_of(12) else "old"})
        for night in nights
    }
    here = BoardNights("b", "", False, known)
    assert list(causes_near(here, nights, 12, 0)) == ["library old → new"]
    assert list(causes_near(here, nights, 10, 3)) == ["library old → new 2 nights later"]
    assert list(causes_near(here, nights, 13, 3)) == ["library old → new 1 night earlier"]
    assert list(causes_near(here, nights, 10, 1)) == []
    assert list(causes_near(here, nights, 3, 99)) == []


@pytest.mark.parametrize(
    ("metric", "unit", "change", "worse"),
    [
        ("latency.x", "ms", 1, True),
        ("latency.x", "ms", -1, False),
        ("heap.free", "B", -1, True),
        ("wifi.rssi", "dBm", 3, False),
        ("load.rate", "requests/s", -1, True),
    ],
)
def test_what_costs_less_is_better(metric, unit, change, worse):
    assert is_worse(metric, unit, change) is worse


def test_changes_of_several_boards_are_one_event(boards, moved):
    known = {metric: event for event in events(moved.changes, boards) for metric in event.metrics}
    assert known["heap.preflight.added"].where == "on all 4 boards"
    assert known["heap.preflight.added"].kind == "regression"
    assert known["latency.stream.total"].where == "on 2 of 4 boards: all of those on lab-2 channel 11"
    assert known["latency.error.on_board"].where == f"on {BOARD}2 alone, of 4 boards"
    assert known["latency.error.on_board"].kind == "improvement"
    recent, earlier = divided(list(known.values()), date_of(NIGHTS - 1))
    assert {metric for event in recent for metric in event.metrics} >= {
        *("latency.stream.total", "latency.picture.on_board", "latency.actual.on_board")
    }
    assert "latency.error.on_board" in {event.first.metric for event in earlier}
    assert recent[-1].kind == POSSIBLE


def change(metric="a", board="b1", night=10, share=0.1, kind=STEP, worse=True):
    return Change(kind, board, metric, "ms", date_of(night), 100.0, 100 * (1 + share), 5.0, worse)


def groups(*changes):
    known = {name: BoardNights(name, "", False) for name in ("b1", "b2", "b3", "b4")}
    return [list(event.metrics) for event in events(changes, known)]


def test_metrics_of_one_night_and_board_are_one_event_largest_first():
    assert groups(*(change(f"m{number:02}", share=0.1 + number / 100) for number in range(12))) == [
        [f"m{number:02}" for number in reversed(range(12))]
    ]
    assert groups(change("a"), change("b", night=11), change("c", night=13)) == [["c"], ["a", "b"]]
    assert groups(change("a"), change("b", share=-0.5, worse=True)) == [["b", "a"]]
    assert groups(change("a", share=0.2), change("b", worse=False)) == [["a"], ["b"]]
    assert groups(change("a", share=0.2), change("b", kind=POSSIBLE)) == [["a"], ["b"]]


def test_metrics_of_other_boards_are_another_event():
    everywhere = [change("a", board) for board in ("b1", "b2", "b3", "b4")]
    assert groups(*everywhere, change("b", "b4", share=0.01)) == [["a"], ["b"]]
    assert groups(*everywhere, *(change("b", board, share=0.01) for board in ("b1", "b2", "b3"))) == [["a", "b"]]


def test_the_sentence_counts_each_kind():
    assert sentence([]) == "nothing moved"


def test_trouble_of_the_rig_counts_only_where_nothing_else_was_learned(tmp_path):
    """Of several runs in a night; and a part of the tests says less than all of them."""

    def endings(*codes: int, scoped: tuple[bool, ...] = ()) -> str:
        history = tmp_path / "-".join(map(str, (*codes, *scoped))) / FILE
        flags = scoped or (False,) * len(codes)
        runs = [
            run(0, board(), exit_code=code, selection={"scoped": flag}, seconds=float(number))
            for number, (code, flag) in enumerate(zip(codes, flags, strict=True))
        ]
        from camrig.history.add import import_results

        import_results(history, written(history.parent / "results", *runs))
        with opened(history) as connection:
            (known,) = board_nights(connection, Filter()).values()
        (night,) = known.nights.values()
        return night.ending

    assert endings(6, 0) == "passed"
    assert endings(0, 6) == "passed"
    assert endings(6, 6) == "blocked"
    assert endings(0, 1, 0) == "failed"
    assert endings(7, 0) == "inconclusive"
    assert endings(1, 0, scoped=(True, False)) == "passed"


def test_virtual_boards_are_left_out_where_there_is_hardware(tmp_path):
    from camrig.history.add import import_results

    history = tmp_path / FILE
    virtual = board("02:ca:7f:00:00:01", virtual=True, spec="sim")
    import_results(history, written(tmp_path, run(0, virtual)))
    with opened(history) as connection:
        assert list(board_nights(connection, Filter())) == ["sim"]
    import_results(history, written(tmp_path, run(1, board())))
    with opened(history) as connection:
        assert list(board_nights(connection, Filter())) == ["24:6f:28:aa:10:c4"]
        assert list(board_nights(connection, Filter(board="sim"))) == ["sim"]


def test_a_board_blocked_before_it_was_known_is_the_one_it_became(tmp_path):
    world = World(boards=1, nights=2, blocked=0.0)
    first, second = World(boards=1, nights=1, blocked=2.0).runs(), list(world.runs())[1]
    with opened(tmp_path / FILE, create=True) as connection:
        add(connection, [*first, second])
        known = board_nights(connection, Filter())
    assert [[night.ending for night in board.nights.values()] for board in known.values()] == [["blocked", "passed"]]


def test_neighbours_of_a_chosen_board_are_read_too(history):
    with opened(history) as connection:
        chosen = board_nights(connection, Filter(board=f"{BOARD}1"))
        near = neighbours_of(connection, chosen, Filter(board=f"{BOARD}1"))
    assert list(chosen) == [f"{BOARD}1"]
    assert list(near) == [f"{BOARD}3"]
    (change,) = of(trend(chosen, near), "latency.stream.total")
    assert change.neighbours == f"1 of 1 neighbours on lab-2 channel 11 moved too: {BOARD}3"


def test_nights_without_a_run_have_their_place(tmp_path):
    runs = [next(iter(World(boards=1, nights=1).runs())), list(World(boards=1, nights=6).runs())[-1]]
    with opened(tmp_path / FILE, create=True) as connection:
        add(connection, runs)
        known = board_nights(connection, Filter())
    assert all_nights(known.values()) == [date_of(night) for night in range(6)]
    page = trend_page(known, trend(known))
    assert page.count('class="none" title="2025-11-3') == 1
    assert page.count(": no run") == 4


class _Tags(HTMLParser):
    """Checks that elements are closed in order."""

    VOID = ("meta", "link", "br", "line", "circle", "polyline", "rect", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag, (tag, self.getpos())


@pytest.fixture(scope="module")
def page(boards, moved):
    return trend_page(boards, moved)


def test_the_page_is_whole_and_loads_nothing(page):
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page)
    assert "url(" not in page
    assert len(page) < 3_000_000


def test_the_grid_has_a_sign_for_each_night(page):
    grid = page[page.index('<table class="nights">') : page.index("</table>", page.index('<table class="nights">'))]
    assert grid.count("<td ") == 4 * NIGHTS
    assert grid.count(f'title="{date_of(12)}: failed">✗') == 4
    assert grid.index(str(date_of(59))) < grid.index(str(date_of(0)))
    assert len(set(SIGNS.values())) == len(SIGNS)


def test_blocked_is_never_red(page):
    style = page[page.index("<style>") : page.rindex("</style>")]
    rules = [rule for rule in style.split("}") if "blocked" in rule]
    assert rules
    assert all("--bad" not in rule for rule in rules)


def test_names_of_a_hostile_board_are_escaped(tmp_path):
    evil = "<script>alert(1)</script>\"'"
    boards = [board(evil, machine=evil, firmware=evil, metrics={evil: 1.0})]
    from camrig.history.add import import_results

    history = tmp_path / FILE
    import_results(history, written(tmp_path, *(run(night, *boards) for night in range(12))))
    with opened(history) as connection:
        known = board_nights(connection, Filter())
    page = trend_page(known, trend(known))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_command_writes_the_page_beside_the_history(history, tmp_path, capsys):
    assert main(["trend", "--hil-results", str(history.parent)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert re.match(r"the last 14 nights: .*1 drift.*1 regression", out[0])
    assert out[1] == f"trend: {history.parent / 'trend.html'}"
    file = tmp_path / "one.html"
    assert main(["trend", str(file), "--board", f"{BOARD}1", "--hil-results", str(history.parent)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "<h1>60 nights of 1 board, until" in text
    assert "neighbours on lab-2 channel 11 moved too" in text


def test_a_filter_that_nothing_passes_writes_no_page(history, tmp_path, capsys):
    file = tmp_path / "none.html"
    assert main(["trend", str(file), "--board", "none", "--hil-results", str(history.parent)]) == 4
    assert "no run passes this filter" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (400, True), (800, True)])
def test_the_page_opens_in_a_browser(open_page, page, tmp_path, width, dark):
    file = tmp_path / "trend.html"
    file.write_text(page, encoding="utf-8")
    opened_page = open_page(file, tmp_path, width, dark)
    assert opened_page.errors == []
    assert opened_page.requests == []
    assert 'data-overflow="0"' in opened_page.document
