"""Baseline and calibration files, and which runs may be set side by side."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from camrig.errors import EXIT_USAGE, BaselineError
from camrig.gate.baseline import Baseline, load_baseline, save_baseline
from camrig.gate.calibration import Noise
from camrig.gate.calibration_file import Calibration, load_calibration, save_calibration
from camrig.gate.control_samples import Usual
from camrig.gate.provenance import Provenance, comparable, demand_comparable
from camrig.gate.samples import Batch, Kind, Samples
from hypothesis import given
from hypothesis import strategies as st

PROVENANCE = Provenance(
    taken="2026-01-02T03:04:05+00:00",
    rig="0.1.0",
    machine="Generic ESP32 module with ESP32",
    mac="24:6f:28:00:00:01",
    virtual=False,
    firmware="1.26.0",
    build="v1.26.0 on 2025-08-09",
    mpy="6.3",
    library_sha256="ab" * 32,
    rssi=-51,
    channel=6,
    power_save=0,
    settings={"port": 8080, "sim_heap": "4M"},
)
finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z_0-9]+(\.[a-z_0-9]+){0,3}", fullmatch=True)
plain = st.builds(Batch, st.lists(finite, max_size=5).map(tuple), st.lists(finite, max_size=3).map(tuple))
sampled = st.builds(
    Samples,
    st.sampled_from(["ms", "B"]),
    st.sampled_from([Kind.TIMED, Kind.COUNTED]),
    st.lists(plain, max_size=4).map(tuple),
)
series = st.lists(st.tuples(finite, finite), min_size=1, max_size=5, unique_by=lambda point: point[0]).map(
    lambda points: Samples(
        "B/request", Kind.SLOPE, (Batch(tuple(y for _, y in points), at=tuple(x for x, _ in points)),)
    )
)


@given(st.dictionaries(names, sampled | series, min_size=1, max_size=3))
def test_a_baseline_survives_its_file(tmp_path_factory, metrics):
    path = tmp_path_factory.mktemp("baselines") / "new" / "a.json"
    save_baseline(path, Baseline(PROVENANCE, metrics))
    found = load_baseline(path)
    assert found == Baseline(PROVENANCE, metrics)
    first = path.read_bytes()
    save_baseline(path, found)
    assert path.read_bytes() == first
    assert [one.name for one in path.parent.iterdir()] == ["a.json"]


NOISE = {
    "latency.total": Noise("ms", 48, 2, 0.1, 0.3, 0.02, 0.05, Usual(5.0, 6.0, 0.5, 0.6)),
    "heap.allocated": Noise("B", 48, 0, 0, float("inf"), None, None, None),
    "heap.share": Noise("B", 48, 0, 16.0, 1.0, 0.01, float("inf"), None),
}


def test_a_calibration_survives_its_file(tmp_path):
    save_calibration(tmp_path / "c.json", Calibration(PROVENANCE, NOISE))
    assert load_calibration(tmp_path / "c.json") == Calibration(PROVENANCE, NOISE)


def edited(tmp_path, change):
    path = tmp_path / "a.json"
    save_baseline(path, Baseline(PROVENANCE, {"a.b": Samples("ms", Kind.TIMED, (Batch((1.0, 2.0), (3.0,)),))}))
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


def drop(*way):
    def change(data):
        for step in way[:-1]:
            data = data[step]
        del data[way[-1]]

    return change


def put(value, *way):
    def change(data):
        for step in way[:-1]:
            data = data[step]
        data[way[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop("kind"), "kind is missing"),
        (put("calibration", "kind"), "is no baseline"),
        (put(2, "schema"), "schema 2, this camrig reads 1"),
        (put("1", "schema"), "schema is no whole number"),
        (put(True, "schema"), "schema is no whole number"),
        (drop("origin"), "origin is missing"),
        (drop("origin", "mac"), "origin is damaged: mac is missing"),
        (put(5, "origin", "mac"), "mac is no text"),
        (put("yes", "origin", "virtual"), "neither true nor false"),
        (put(1.5, "origin", "rssi"), "rssi is no whole number"),
        (put([], "origin", "settings"), "an object"),
        (put({"a": [1]}, "origin", "settings"), "more than plain values"),
        (put([], "metrics"), "an object"),
        (put({}, "metrics"), "holds no metric"),
        (put({}, "metrics", "a b"), "no name of a metric"),
        (put("odd", "metrics", "a.b", "kind"), "no kind of metric"),
        (put("slope", "metrics", "a.b", "kind"), "belong to the values of a slope"),
        (put(None, "metrics", "a.b", "batches"), "batches is no list"),
        (put(["x"], "metrics", "a.b", "batches", 0, "values"), "values is no number"),
        (put([True], "metrics", "a.b", "batches", 0, "values"), "values is no number"),
        (put([1e999], "metrics", "a.b", "batches", 0, "values"), "no finite number"),
        (put([10**400], "metrics", "a.b", "batches", 0, "values"), "no finite number"),
        (put([1.0], "metrics", "a.b", "batches", 0, "at"), "place of its own"),
        (drop("metrics", "a.b", "batches", 0, "control"), "control is missing"),
    ],
)
def test_a_damaged_baseline_says_where(tmp_path, change, says):
    path = edited(tmp_path, change)
    with pytest.raises(BaselineError, match=says) as raised:
        load_baseline(path)
    assert "a.json" in raised.value.what
    assert "--hil-save" in raised.value.hint


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_what_is_no_baseline_at_all_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(BaselineError, match=r"a\.json is damaged"):
        load_baseline(tmp_path / "a.json")


def test_a_missing_baseline_is_an_error(tmp_path):
    with pytest.raises(BaselineError, match="there is no baseline") as raised:
        load_baseline(tmp_path / "none.json")
    assert raised.value.exit_code == EXIT_USAGE
    with pytest.raises(BaselineError, match="cannot be read"):
        load_baseline(tmp_path)


def test_a_baseline_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(BaselineError, match="cannot be written"):
        save_baseline(tmp_path / "a.json", Baseline(PROVENANCE, {}))
    (tmp_path / "file").write_text("")
    with pytest.raises(BaselineError, match="cannot be written"):
        save_baseline(tmp_path / "file" / "a.json", Baseline(PROVENANCE, {}))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.json", "file"]


def test_a_damaged_calibration_says_where(tmp_path):
    path = tmp_path / "c.json"
    save_calibration(path, Calibration(PROVENANCE, NOISE))
    data = json.loads(path.read_text())
    data["noise"]["latency.total"]["floor"] = -1
    path.write_text(json.dumps(data))
    with pytest.raises(BaselineError, match="negative"):
        load_calibration(path)
    with pytest.raises(BaselineError, match="camrig calibrate"):
        load_calibration(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"virtual": True}, "one board is virtual"),
        ({"mac": "24:6f:28:00:00:02"}, "different boards: 24:6f:28:00:00:01 and 24:6f:28:00:00:02"),
        ({"machine": "ESP32-CAM"}, "different kinds of board"),
        ({"firmware": "1.21.0"}, "different firmware: 1.26.0 and 1.21.0"),
        ({"build": ""}, "different builds: v1.26.0 on 2025-08-09 and none"),
        ({"mpy": "6.2"}, "different mpy versions"),
        ({"power_save": 1}, "different Wi-Fi power-save modes: 0 and 1"),
        ({"power_save": None}, "different Wi-Fi power-save modes: 0 and unknown"),
        ({"rig": "0.2.0"}, "different releases of camrig: 0.1 and 0.2"),
        ({"settings": {"port": 8080}}, "different settings of sim_heap: 4M and unset"),
        ({"settings": {"port": 80, "sim_heap": "4M"}}, "different settings of port: 8080 and 80"),
    ],
)
def test_what_may_not_be_compared_is_said(changed, reason):
    other = replace(PROVENANCE, **changed)
    assert any(reason in one for one in comparable(PROVENANCE, other))
    assert comparable(other, PROVENANCE)
    with pytest.raises(BaselineError, match="may not be compared with the baseline release"):
        demand_comparable(PROVENANCE, other, "the baseline release", "save another one")


def test_what_may_differ():
    other = replace(PROVENANCE, library_sha256="cd" * 32, rssi=-70, channel=11, taken="2027", rig="0.1.9")
    assert comparable(PROVENANCE, other) == ()
    demand_comparable(PROVENANCE, other, "the baseline release", "save another one")
