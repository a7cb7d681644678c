"""The time that CORS adds is in points of a request without it, whatever the route and the board's speed."""

from __future__ import annotations

from collections import Counter

import pytest
from camrig.errors import AgentError
from camrig.probe.added_time import BARE, LIBRARY, AddedTimeSampler
from camrig.probe.agent import SIDE_HEADER
from camrig.probe.client import TIMING_HEADER, Phases, Response
from camrig.probe.request_kinds import REQUEST_KINDS

ROUTES = {"picture": 5.0, "stream": 3.0}  # ms without CORS; others take 1
ADDED = {kind.name: 0.25 * (position + 1) for position, kind in enumerate(REQUEST_KINDS)}


class Board:
    """Answers with a fixed time for each kind and side, ``speed`` times as long as on the fastest board."""

    def __init__(self, speed: float = 1.0):
        self.speed = speed
        self.sent: list[tuple[str, str]] = []

    def send(self, method, target, headers, body):
        sent = dict(headers)
        side = sent.pop(SIDE_HEADER)
        assert sent.pop(TIMING_HEADER[0]) == TIMING_HEADER[1]
        (kind,) = [kind for kind in REQUEST_KINDS if kind.message == (method, target, list(sent.items()), body)]
        self.sent.append((side, kind.name))
        time = ROUTES.get(kind.name, 1.0) + (ADDED[kind.name] if side == LIBRARY else 0.0)
        return Response(200, "", [], b"", Phases(1, 2, 3, self.speed * time))


def accept(kind, is_bare, response):
    pass


@pytest.mark.parametrize("speed", [0.02, 1.0, 30.0])
def test_points_do_not_depend_on_the_speed_of_the_board(speed):
    points = AddedTimeSampler(Board(speed).send, REQUEST_KINDS, check=accept).batch(4)
    assert points == {name: [pytest.approx(100 * added)] * 4 for name, added in ADDED.items()}


def test_each_round_has_every_kind_on_both_sides_in_another_order():
    board = Board()
    AddedTimeSampler(board.send, REQUEST_KINDS, check=accept, seed=3).batch(5)
    turns = 2 * len(REQUEST_KINDS)
    rounds = [tuple(board.sent[start : start + turns]) for start in range(0, len(board.sent), turns)]
    assert len(rounds) == len(set(rounds)) == 5
    for turn in rounds:
        assert Counter(turn) == Counter((side, kind.name) for side in (LIBRARY, BARE) for kind in REQUEST_KINDS)


def test_each_answer_is_checked_with_its_kind_and_side():
    seen = []
    sampler = AddedTimeSampler(
        Board().send, REQUEST_KINDS, check=lambda kind, is_bare, response: seen.append((kind.name, is_bare))
    )
    sampler.batch(1)
    assert Counter(seen) == Counter((kind.name, is_bare) for kind in REQUEST_KINDS for is_bare in (False, True))


@pytest.mark.parametrize("time", [None, 0.0])
def test_a_board_that_gives_no_time_is_an_error(time):
    board = Board()

    def send(*message):
        board.send(*message)
        return Response(200, "", [], b"", Phases(1, 2, 3, time))

    with pytest.raises(AgentError, match="time"):
        AddedTimeSampler(send, REQUEST_KINDS, check=accept).batch(1)
