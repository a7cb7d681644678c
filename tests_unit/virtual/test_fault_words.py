"""The parts of the faults that need no process: their words, their moments, and what they do to bytes."""

from __future__ import annotations

import pytest
from camrig.errors import SettingsError
from camrig.virtual.fault_schedule import FaultSchedule
from camrig.virtual.faults import BY_NAME, EVENTS, KINDS, Fault, Moment, catalogue, parse
from camrig.virtual.link.noise import BitFlips, ByteLoss
from camrig.virtual.link.pacer import Pacer
from camrig.virtual.log_flood import LogFlood
from camrig.virtual.repl_state import ProgramCount
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("silent", Fault("silent", 0, Moment("now"))),
        ("guru", Fault("guru", 0, Moment("ready"))),
        ("guru@ready+0.5", Fault("guru", 0, Moment("ready", 1, 0.5))),
        ("power-cut@1234", Fault("power-cut", 1234, Moment("now"))),
        ("garble@0.01", Fault("garble", 0.01, Moment("now"))),
        ("camera-error@0x20001", Fault("camera-error", 0x20001, Moment("now"))),
        ("camera-error@0xffffffff@boot", Fault("camera-error", 0xFFFFFFFF, Moment("boot"))),
        (" baud@921600@boot*2 ", Fault("baud", 921600, Moment("boot", 2))),
        ("brownout@joined*all", Fault("brownout", 0, Moment("joined", 0))),
        ("reset@exec*3+1", Fault("reset", 0, Moment("exec", 3, 1))),
    ],
)
def test_a_fault_is_parsed_and_printed_in_the_same_words(text, fault):
    assert parse(text) == fault
    assert parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grable@0.1", "no fault 'grable'. Similar: garble"),
        ("reset-in-exec", "no fault 'reset-in-exec'"),
        ("", "no fault ''. Camrig sim --fault help"),
        ("garble@2", "SHARE of the fault 'garble@2' is out of range"),
        ("garble@0", "out of range"),
        ("baud@fast", "unknown event 'fast'"),
        ("baud@", "not a whole number"),
        ("baud@9600.5", "not a whole number"),
        ("camera-error@0x", "not a whole number"),
        ("camera-error@0x100000000", "not a whole number"),
        ("camera-error@0", "out of range"),
        ("guru@3", "takes no number. Write guru[@MOMENT]"),
        ("guru@redy", "unknown event 'redy'. Similar: ready"),
        ("guru@ready*0", "moment 'ready*0'"),
        ("guru@now*2", "counts the event now"),
        ("garble@0.1@boot@exec", "has too many parts. Write garble[@SHARE][@MOMENT]"),
    ],
)
def test_a_text_that_is_not_a_fault_is_refused(text, message):
    with pytest.raises(SettingsError) as raised:
        parse(text)
    assert message in str(raised.value)


@given(
    st.text(max_size=30)
    | st.sampled_from(sorted(BY_NAME)).flatmap(lambda n: st.text(max_size=12).map(lambda t: f"{n}@{t}"))
)
def test_any_text_is_a_fault_or_an_error(text):
    try:
        fault = parse(text)
    except SettingsError:
        return
    assert parse(str(fault)) == fault


def test_the_catalogue_names_every_fault_and_event():
    shown = catalogue()
    assert all(f"  {name} " in shown for name in [*BY_NAME, *EVENTS])
    assert all(len(line) <= 130 for line in shown.splitlines())
    assert len(BY_NAME) == len(KINDS)


def names(faults):
    return [str(fault) for fault in faults]


def test_faults_strike_at_their_moments():
    schedule = FaultSchedule()
    for text in ("guru@exec*2", "brownout@exec*all", "int-wdt@ready+0.5", "reset@now+3"):
        schedule.add(parse(text), 0.0)
    assert schedule.awaited == {"exec", "ready"}
    assert schedule.wake_at == 3.0
    schedule.happened("exec", 1.0)
    assert names(schedule.take_due(1.0)) == ["brownout@exec*all"]
    schedule.happened("exec", 2.0)
    assert sorted(names(schedule.take_due(2.0))) == ["brownout@exec*all", "guru@exec*2"]
    schedule.happened("ready", 2.0)
    assert schedule.awaited == {"exec"}
    assert names(schedule.take_due(2.4)) == []
    assert names(schedule.take_due(4.0)) == ["int-wdt@ready+0.5", "reset@now+3"]
    schedule.remove("brownout")
    assert schedule.awaited == set()
    assert schedule.wake_at is None


def test_a_state_that_holds_counts_as_an_event():
    schedule = FaultSchedule()
    schedule.add(parse("server-hang"), 0.0, {"ready"})
    schedule.add(parse("guru@ready*2"), 0.0, {"ready"})
    assert names(schedule.take_due(0.0)) == ["server-hang@ready"]
    schedule.happened("ready", 1.0)
    assert names(schedule.take_due(1.0)) == ["guru@ready*2"]


def cut(data, cuts):
    places = sorted({at % (len(data) + 1) for at in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.binary(max_size=500), st.lists(st.integers(0, 500)), st.sampled_from([0.001, 0.05, 0.5, 1.0]))
def test_noise_does_not_depend_on_how_bytes_are_split(data, cuts, share):
    for noise in (BitFlips, ByteLoss):
        whole, parts = noise(share, "x"), noise(share, "x")
        assert b"".join(parts(part) for part in cut(data, cuts)) == whole(data)


def test_noise_hits_the_configured_share_of_bytes():
    data = bytes(100_000)
    flipped = [byte for byte in BitFlips(0.01, "x")(data) if byte]
    assert 900 < len(flipped) < 1100
    assert set(flipped) == {1 << bit for bit in range(8)}
    assert 98_900 < len(ByteLoss(0.01, "x")(data)) < 99_100
    assert ByteLoss(1, "x")(data) == b""
    assert BitFlips(0.01, "x")(data) != BitFlips(0.01, "y")(data)


@given(
    st.sampled_from([300, 115200, 921600]),
    st.lists(st.tuples(st.binary(max_size=300), st.floats(0, 0.1)), max_size=8),
)
def test_a_paced_line_carries_a_byte_in_ten_bits(baud, pushes):
    pacer, now, sent, out = Pacer(baud), 100.0, b"", b""
    over: list[float] = []  # when the last bit of each byte has passed
    for data, pause in pushes:
        pacer.push(data, now)
        sent += data
        for _ in data:
            over.append(max(now, over[-1] if over else now) + 10 / baud)
        now += pause
        out += pacer.take_due(now)
        assert abs(sum(at <= now for at in over) - len(out)) <= 1
    while (at := pacer.next_at) is not None:
        out += pacer.take_due(at)
    assert out == sent


def test_a_paced_line_keeps_its_rate_when_it_is_polled_late():
    pacer = Pacer(115200)
    pacer.push(bytes(11520), 0.0)
    assert sum(len(pacer.take_due(at / 10)) for at in range(1, 10)) == pytest.approx(0.9 * 11520, abs=2)


def test_a_flood_keeps_its_rate_and_does_not_catch_up():
    flood = LogFlood(10_000, 0.0)
    assert sum(len(flood.take_due(at / 100)) for at in range(100)) == pytest.approx(10_000, rel=0.05)
    assert len(flood.take_due(100.0)) < 1100
    assert flood.take_due(100.001) == b""


def test_programs_are_counted_by_their_keys():
    programs = ProgramCount()
    assert programs.feed(b"print(1)\x04", raw=False) == 0
    assert programs.feed(b"\r\x03\x03\r\x01", raw=False) == 0
    assert programs.feed(b"\x04", raw=True) == 0  # a soft reset
    assert programs.feed(b"\x05A\x01", raw=True) == 0
    assert programs.feed(b"print(1)", raw=True) == 0
    assert programs.feed(b"\x04", raw=True) == 1
    assert programs.feed(b"1\x042\x04\x04x\x03\x04", raw=True) == 2
