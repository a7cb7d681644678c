"""The air that boards share: one at a time, in the order of arrival, and free as soon as its owner is gone."""

from __future__ import annotations

import itertools
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from camrig.errors import BlockedError
from camrig.lab import air
from camrig.lab.air import Claim, Ticket, air_of
from camrig.probe.agent import Radio
from camrig.settings.bench import BoardEntry
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.conftest import ROOT

HOLD = """
import sys, time
from camrig.lab import air
claim = air.take(air.Claim(["channel 6"], "/dev/ttyUSB0"))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(air.VARIABLE, str(tmp_path / "air"))
    return tmp_path / "air"


def tickets(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.ticket"))


def die(ticket: Ticket) -> None:
    """What the end of a process leaves: the file, without its lock."""
    ticket._file.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1.0)


def test_the_air_belongs_to_one_at_a_time(folder):
    first, second = Ticket("channel 6", "a"), Ticket("channel 6", "b")
    assert first.ahead() is None
    holder, number = second.ahead()
    assert (holder.pid, holder.board, number) == (os.getpid(), "a", first.number)
    first.release()
    first.release()
    assert second.ahead() is None
    second.release()
    assert tickets(folder) == []


def test_another_air_is_free():
    names = ("channel 6", "channel 11", "network a/b", "network a_b")
    assert all(ticket.ahead() is None for ticket in [Ticket(name, "a") for name in names])


@given(st.lists(st.tuples(st.sampled_from(["arrive", "release", "die"]), st.integers(0, 20)), max_size=40))
def test_whoever_came_first_has_the_air_whatever_ends(steps):
    """Of all that live, the oldest has the air and nobody else; what the dead leave is gone with the next owner."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv(air.VARIABLE, place)
        queue: list[Ticket] = []
        for action, choice in steps:
            if action == "arrive" or not queue:
                queue.append(Ticket("channel 6", str(len(queue))))
            elif action == "release":
                queue.pop(choice % len(queue)).release()
            else:
                die(queue.pop(choice % len(queue)))
            assert [ticket.ahead() is None for ticket in queue] == [ticket is queue[0] for ticket in queue]
        for ticket in queue:
            ticket.release()
        end = Ticket("channel 6", "end")
        assert end.ahead() is None
        assert len(tickets(Path(place))) == 1
        end.release()


@given(st.data())
def test_claims_on_several_airs_all_come_to_their_end(data):
    """Whatever airs they need, and whoever is asked first: no two have one air, and all get their turn."""
    names = data.draw(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3), min_size=1, max_size=5))
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv(air.VARIABLE, place)
        claims = {number: Claim(needed, str(number)) for number, needed in enumerate(names)}
        for _ in range(len(names)):
            order = data.draw(st.permutations(sorted(claims)))
            served = [number for number in [*order, *order, *order] if claims[number].advance() is None]
            assert served
            assert all(
                set(names[first]).isdisjoint(names[second])
                for first, second in itertools.combinations(set(served), 2)
            )
            claims.pop(served[0]).release()
        assert tickets(Path(place)) == []


def test_a_killed_owner_leaves_nothing(folder):
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        ticket = Ticket("channel 6", "sim")
        holder, _ = ticket.ahead()
        assert (holder.pid, holder.board) == (process.pid, "/dev/ttyUSB0")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ticket.ahead() is None
    assert tickets(folder) == [ticket._path.name]
    ticket.release()


def test_a_long_wait_names_who_has_the_air_and_ends(folder):
    clock, lines = Clock(), []
    with air.take(Claim(["channel 6"], "a")) as _, pytest.raises(BlockedError) as raised:
        air.take(Claim(["channel 6"], "b"), lines.append, 300, clock, clock.sleep)
    assert 3 <= len(lines) <= 300 / air.NOTICE_AGAIN + 1
    assert all(line.startswith("b waits for the air of channel 6, which ") for line in lines)
    assert f"process {os.getpid()}" in lines[0]
    assert "for a, and was for 300 s. End that run." in str(raised.value)
    assert tickets(folder) == []


def test_patience_is_for_each_owner_and_not_for_the_queue():
    clock = Clock()
    queue = [Ticket("channel 6", str(number)) for number in range(5)]

    def sleep(seconds: float) -> None:
        clock.now += 50
        if int(clock.now) % 200 == 0:
            queue.pop(0).release()

    air.take(Claim(["channel 6"], "b"), patience=250, clock=clock, sleep=sleep).release()
    assert clock.now == 1000


def test_what_is_interrupted_gives_its_place_back(folder):
    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    with air.take(Claim(["a", "b"], "first")), pytest.raises(KeyboardInterrupt):
        air.take(Claim(["0", "b"], "second"), sleep=sleep)
    assert tickets(folder) == []


def test_a_board_that_is_alone_does_not_wait():
    def sleep(seconds):
        raise AssertionError("it waits")

    for _ in range(3):
        air.take(Claim(["network lab", "channel 6"], "a"), sleep=sleep).release()


@pytest.mark.parametrize("text", ["", "[]", '{"pid": "x"}', '{"pid": 1, "since": 2}', "\0" * 9000, "ü" * 5000])
def test_a_ticket_with_any_text_is_one(text):
    first = Ticket("channel 6", "a")
    first._path.write_text(text, encoding="latin-1")
    second = Ticket("channel 6", "b")
    assert second.ahead() == (air.STRANGER, first.number)


def test_what_a_ticket_says_does_not_act_on_a_terminal():
    first = Ticket("channel 6", "a\x1b[2J\nb")
    assert Ticket("channel 6", "b").ahead()[0].board == "a\\x1b[2J\\nb"
    first.release()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without permissions of this kind")
def test_all_users_may_draw_tickets_whatever_the_mask(folder):
    before = os.umask(0o077)
    try:
        ticket = Ticket("channel 6", "a")
    finally:
        os.umask(before)
    (place,) = folder.iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, place, place / "door", ticket._path)]
    assert modes == [0o1777, 0o1777, 0o666, 0o644]


def test_a_folder_that_cannot_be_used_is_one_sentence(folder):
    folder.write_text("")
    with pytest.raises(BlockedError, match=r"cannot be used .*name another one in CAMRIG_AIR"):
        Ticket("channel 6", "a")


LAB = Wifi("lab", "password")


@pytest.mark.parametrize(
    ("spec", "wifi", "radio", "named", "names"),
    [
        ("sim", None, None, "", ("this host",)),
        ("sim:slow", LAB, Radio(-40, 6, 0, "x"), "", ("this host",)),
        ("auto", None, None, "", ("this host",)),
        ("auto", LAB, None, "", ("network lab",)),
        ("auto", LAB, Radio(-40, 6, 0, "other"), "", ("channel 6", "network other")),
        ("auto", LAB, Radio(-40, 6, 0), "", ("channel 6", "network lab")),
        ("auto", None, Radio(None, None, None), "", ("this host",)),
        ("auto", LAB, None, "roof", ("access point roof",)),
        ("auto", LAB, Radio(-40, 6, 0, "other"), "roof", ("access point roof", "channel 6")),
        ("sim", None, None, "roof", ("access point roof", "this host")),
    ],
)
def test_the_air_of_a_board_is_what_is_known_of_its_radio(spec, wifi, radio, named, names):
    settings = Settings(wifi=wifi, device=("bench",), bench={"bench": BoardEntry("bench", spec, access_point=named)})
    assert air_of(settings, "bench", radio) == names
    if not named:
        assert air_of(Settings(wifi=wifi, device=(spec,)), spec, radio) == names


def test_who_waits_reads_the_folder_again_only_when_the_oldest_is_gone(folder, monkeypatch):
    first, second, last = (Ticket("channel 6", name) for name in ("a", "b", "c"))
    reads = []
    monkeypatch.setattr(air, "_tickets", lambda path, known=air._tickets: reads.append(path) or known(path))
    for oldest in (first, second):
        reads.clear()
        for _ in range(5):
            holder, number = last.ahead()
            assert (holder.board, number) == ("a" if oldest is first else "b", oldest.number)
        assert len(reads) == 1
        oldest.release()
    assert last.ahead() is None
    last.release()
    assert tickets(folder) == []


def test_the_next_in_the_queue_looks_most_often():
    pauses = [air.pause(ahead) for ahead in range(200)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pauses[1] == air.POLL
    assert pauses[10] == pytest.approx(10 * air.POLL)
    assert pauses[-1] <= 1.0
