"""A lost exchange is repeated beside controls: who is blamed, and who is not."""

from __future__ import annotations

import random
from itertools import chain, repeat

import pytest
from camrig.errors import AnswerLostError, PowerLostError, ServerSilentError
from camrig.measure.losses import CONTROL, REQUEST, ExchangeCounts
from camrig.probe import lost_exchanges
from camrig.probe.client import LostExchangeError
from camrig.probe.lost_exchanges import ExchangeRetry


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """The network has no time to come back, unless a test gives it some."""
    monkeypatch.setattr(lost_exchanges, "PAUSE", 0)
    monkeypatch.setattr(lost_exchanges, "SECONDS_TO_RETURN", 0.0)


class Network:
    """Sends requests and controls; each takes the next answer of its list: True, or the cause of its loss."""

    def __init__(self, requests=(), controls=()):
        self.requests = chain(requests, repeat(True))
        self.controls = chain(controls, repeat(True))
        self.counts = ExchangeCounts()
        self.retry = ExchangeRetry(self.counts, lambda seconds: self.exchange(self.controls, seconds))
        self.seconds = []
        for _ in range(50):
            self.retry.ask_control()

    def exchange(self, answers, seconds):
        answer = next(answers)
        if answer is not True:
            raise LostExchangeError("no answer", answer)
        return "answer"

    def send(self, seconds):
        self.seconds.append(seconds)
        return self.exchange(self.requests, seconds)

    def ask(self, kind=REQUEST, repeatable=True, check_board=lambda name: None, name="GET /x"):
        return self.retry(name, kind, self.send, check_board, repeatable)


@pytest.mark.parametrize("cause", ["refused", "reset", "timeout", "malformed", "unreachable"])
@pytest.mark.parametrize("kind", [REQUEST, CONTROL])
def test_one_lost_exchange_is_repeated_and_counted(cause, kind):
    network = Network([cause])
    assert network.ask(kind) == "answer"
    assert network.counts.count([kind]).lost == 1
    assert network.counts.causes() == {kind: {cause: 1}}


@pytest.mark.parametrize("cause", ["reset", "timeout"])
def test_a_request_that_is_lost_beside_answered_controls_has_failed(cause):
    network = Network(repeat(cause))
    with pytest.raises(AnswerLostError, match=r"GET /x was lost 4 times \(.*\) while 16 of 16 requests without CORS"):
        network.ask()
    with pytest.raises(AnswerLostError, match=r"lost once .* while 4 of 4"):  # the same is blamed at once
        network.ask()
    with pytest.raises(AnswerLostError, match="lost 2 times"):
        network.ask(name="GET /y")


def test_a_request_that_stops_the_server_for_a_while_has_failed(monkeypatch):
    network = Network(repeat("timeout"))
    network.controls = chain(*repeat(["timeout", "timeout", True, True, True, True], 20))
    monkeypatch.setattr(lost_exchanges, "SECONDS_TO_RETURN", 60.0)
    with pytest.raises(AnswerLostError, match=r"of 2[0-9] requests without CORS were answered"):
        network.ask()


@pytest.mark.parametrize("kind", [REQUEST, CONTROL])
def test_a_network_that_stays_away_blocks(kind):
    network = Network(repeat("timeout"))
    network.controls = repeat("timeout")
    with pytest.raises(ServerSilentError, match="neither did requests without CORS"):
        network.ask(kind)


def test_a_control_that_is_lost_again_and_again_blocks():
    with pytest.raises(ServerSilentError, match=r"was lost \d times"):
        Network(repeat("reset")).ask(CONTROL)


def test_a_request_that_may_have_taken_effect_is_not_repeated():
    network = Network(repeat("reset"))
    for _ in range(3):
        with pytest.raises(ServerSilentError, match="may have taken effect"):
            network.ask(repeatable=False)
    assert len(network.seconds) == 3
    with pytest.raises(AnswerLostError, match="lost 4 times"):  # four tests have sent it
        network.ask(repeatable=False)


def test_an_answer_ends_a_row_of_losses_that_are_not_repeated():
    network = Network(["reset", "reset", "reset", True, "reset"])
    for _ in range(3):
        with pytest.raises(ServerSilentError):
            network.ask(repeatable=False)
    assert network.ask(repeatable=False) == "answer"
    with pytest.raises(ServerSilentError):
        network.ask(repeatable=False)


def test_a_refused_connection_is_repeated_whatever_it_carries():
    assert Network(["refused", "refused"]).ask(repeatable=False) == "answer"


def test_exchanges_get_less_time_after_several_have_timed_out():
    network = Network(repeat("timeout"))
    with pytest.raises(AnswerLostError):
        network.ask()
    assert network.seconds == [15.0, 15.0, 15.0, 15.0]  # the last one before a blame has all the time
    with pytest.raises(AnswerLostError):
        network.ask(name="GET /y")
    assert network.seconds[4:] == [2.0, 2.0]


def test_a_network_that_costs_too_much_time_blocks_without_repeats(monkeypatch):
    network = Network(["reset", True, "reset"])
    monkeypatch.setattr(lost_exchanges, "SECONDS_LOST", 0.0)
    network.retry._start = float("inf")
    assert network.ask() == "answer"
    assert network.retry._seconds_lost > 0
    with pytest.raises(ServerSilentError, match="s were lost so before"):
        network.ask()


def test_a_board_that_is_down_is_reported_instead():
    def check(name):
        raise PowerLostError("the board lost power")

    with pytest.raises(PowerLostError):
        Network(["reset"]).ask(check_board=check)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_a_network_that_loses_both_alike_blames_no_request(monkeypatch, share):
    rng = random.Random(3)
    for _ in range(20):
        answers = iter(lambda: "reset" if rng.random() < share else True, None)
        network = Network(answers, answers)
        monkeypatch.setattr(lost_exchanges, "SECONDS_TO_RETURN", 60.0)
        assert [network.ask() for _ in range(300)] == ["answer"] * 300
