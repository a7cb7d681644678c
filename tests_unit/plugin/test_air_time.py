"""A test that measures holds the air from its first fixture to its end, and no time-out runs while it waits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from camrig.errors import BlockedError
from camrig.lab import air
from camrig.plugin.air_time import AirTime
from camrig.plugin.run import MEASURE_FIXTURE
from camrig.settings.resolve import Settings


class Hooks:
    """Those of pytest-timeout, whose calls are kept."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pytest_timeout_cancel_timer(self, item: object) -> None:
        self.calls.append("cancel")

    def pytest_timeout_set_timer(self, item: object, settings: object) -> None:
        self.calls.append(f"set {settings}")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv(air.VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def hooks():
    return Hooks()


@pytest.fixture
def item(hooks):
    config = SimpleNamespace(pluginmanager=SimpleNamespace(hook=hooks))
    return SimpleNamespace(fixturenames=[MEASURE_FIXTURE], config=config)


def a_board(**changes):
    return SimpleNamespace(**{"spec": "sim", "radio": None, "broken": None, "board": object(), **changes})


def air_time(board_run):
    run = SimpleNamespace(settings=Settings(), known_board_run=lambda item: board_run)
    return AirTime(run, lambda line: None)


def is_free() -> bool:
    with air.Claim([air.HOST], "another") as claim:
        return claim.advance() is None


def test_the_air_is_held_around_one_test(item, folder):
    protocol = air_time(a_board()).pytest_runtest_protocol(item)
    next(protocol)
    assert not is_free()
    protocol.close()
    assert list(folder.rglob("*.ticket")) == []
    assert is_free()


@pytest.mark.parametrize("names", [[], ["measure"], ["dut"]])
def test_a_test_without_our_fixture_holds_nothing(item, names):
    item.fixturenames = names
    plugin = air_time(a_board())
    protocol = plugin.pytest_runtest_protocol(item)  # kept: it ends with its last name
    next(protocol)
    plugin.take(a_board())  # as a fixture of another scope does
    assert is_free()


@pytest.mark.parametrize("board_run", [None, a_board(board=None), a_board(broken=BlockedError("it is gone"))])
def test_no_air_is_held_before_the_board_is_there(item, board_run):
    protocol = air_time(board_run).pytest_runtest_protocol(item)  # kept: it ends with its last name
    next(protocol)
    assert is_free()


def test_a_board_that_comes_up_in_the_test_takes_the_air_then(item):
    plugin = air_time(None)
    protocol = plugin.pytest_runtest_protocol(item)
    next(protocol)
    plugin.take_early(a_board())
    plugin.take(a_board())  # a second fixture changes nothing
    assert not is_free()
    protocol.close()
    assert is_free()


def test_no_clock_runs_while_a_test_waits(item, hooks, monkeypatch):
    held = air.take(air.Claim([air.HOST], "another"))
    plugin = air_time(None)
    protocol = plugin.pytest_runtest_protocol(item)
    next(protocol)
    plugin.pytest_timeout_set_timer("9 s")
    wait = air.take

    def take(claim, notify):
        hooks.calls.append("wait")
        held.release()
        return wait(claim, notify)

    monkeypatch.setattr(air, "take", take)
    plugin.take(a_board())
    assert hooks.calls == ["cancel", "wait", "set 9 s"]
    protocol.close()
    assert is_free()


def test_a_clock_that_does_not_run_is_left_alone(item, hooks, monkeypatch):
    monkeypatch.setattr(air, "take", lambda claim, notify: claim)
    plugin = air_time(None)
    protocol = plugin.pytest_runtest_protocol(item)
    next(protocol)
    plugin.pytest_timeout_set_timer("9 s")
    plugin.pytest_timeout_cancel_timer()
    with air.Claim([air.HOST], "another") as held:
        held.advance()
        plugin.take(a_board())
    protocol.close()
    assert hooks.calls == []


def test_a_wait_in_vain_blocks_the_test_that_asks_for_the_air(item, monkeypatch):
    def take(claim, notify):
        claim.release()
        raise BlockedError("it is in use")

    monkeypatch.setattr(air, "take", take)
    plugin = air_time(a_board())
    with air.Claim([air.HOST], "another") as held:
        held.advance()
        protocol = plugin.pytest_runtest_protocol(item)  # kept: it ends with its last name
        next(protocol)
        with pytest.raises(BlockedError, match="it is in use"):
            plugin.take(a_board())
