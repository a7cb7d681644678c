"""Baseline and calibration files, and which runs may be compared."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from camrig.errors import EXIT_USAGE, BaselineError
from camrig.gate.baseline import Baseline, load_baseline, save_baseline
from camrig.gate.calibration import Calibration, Noise, load_calibration, save_calibration
from camrig.gate.control_samples import ControlRange
from camrig.gate.provenance import Provenance, demand_comparable, differences
from camrig.gate.samples import MetricKind, Samples
from camrig.measure.batch import SampleBatch
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
plain = st.builds(SampleBatch, st.lists(finite, max_size=5).map(tuple), st.lists(finite, max_size=3).map(tuple))
sampled = st.builds(
    Samples,
    st.sampled_from(["ms", "B"]),
    st.sampled_from([MetricKind.TIMED, MetricKind.COUNTED]),
    st.lists(plain, max_size=4).map(tuple),
)
series = st.lists(st.tuples(finite, finite), min_size=1, max_size=5, unique_by=lambda point: point[0]).map(
    lambda points: Samples(
        "B/request", MetricKind.SLOPE, (SampleBatch(tuple(y for _, y in points), at=tuple(x for x, _ in points)),)
    )
)


@given(st.dictionaries(names, sampled | series, min_size=1, max_size=3))
def test_a_baseline_is_read_as_it_was_saved(tmp_path_factory, metrics):
    path = tmp_path_factory.mktemp("baselines") / "new" / "a.json"
    save_baseline(path, Baseline(PROVENANCE, metrics))
    baseline = load_baseline(path)
    assert baseline == Baseline(PROVENANCE, metrics)
    content = path.read_bytes()
    save_baseline(path, baseline)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


def test_a_baseline_keeps_its_sessions_in_order(tmp_path):
    def session(*batches):
        samples = Samples("ms", MetricKind.TIMED, tuple(SampleBatch((float(value),)) for value in batches))
        return Baseline(PROVENANCE, {"a.b": samples})

    baseline = session(1, 2).with_session(session(3), "a").with_session(session(4, 5, 6), "a")
    save_baseline(tmp_path / "a.json", baseline)
    assert load_baseline(tmp_path / "a.json") == baseline
    assert baseline.sessions == (session(1, 2), session(3), session(4, 5, 6))
    joined = baseline.joined()["a.b"]
    assert (joined.values, joined.sessions) == ((1, 2, 3, 4, 5, 6), (2, 1, 3))
    assert joined.select([True, False, False, True, True, False]).sessions == (1, 0, 2)
    assert [len(part) for part in joined.select([True, False, False, True, True, False]).by_session()] == [1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mac": "24:6f:28:00:00:02"}, "different boards"),
        ({"library_sha256": "cd" * 32}, "its library is cdcdcdcdcdcd, that of the baseline abababababab"),
        ({"firmware": "1.21.0"}, "different firmware"),
    ],
)
def test_a_session_of_another_library_or_bench_is_not_added(change, message):
    baseline = Baseline(PROVENANCE, {})
    with pytest.raises(BaselineError, match=message) as raised:
        baseline.with_session(Baseline(replace(PROVENANCE, **change), {}), "good")
    assert "camrig baseline remove good" in raised.value.hint


def test_a_metric_keeps_its_unit_in_all_sessions():
    first, second = (
        Baseline(PROVENANCE, {"a.b": Samples(unit, MetricKind.TIMED, (SampleBatch((1.0,)),))}) for unit in ("ms", "s")
    )
    with pytest.raises(BaselineError, match=r"a\.b has another unit"):
        first.with_session(second, "good")


NOISE = {
    "latency.total": Noise("ms", 48, 2, 0.1, 0.3, 0.02, 0.05, ControlRange(5.0, 6.0, 0.5, 0.6)),
    "heap.allocated": Noise("B", 48, 0, 0, float("inf"), None, None, None),
    "heap.share": Noise("B", 48, 0, 16.0, 1.0, 0.01, float("inf"), None),
}


def test_a_calibration_is_read_as_it_was_saved(tmp_path):
    save_calibration(tmp_path / "c.json", Calibration(PROVENANCE, NOISE))
    assert load_calibration(tmp_path / "c.json") == Calibration(PROVENANCE, NOISE)


def edited(tmp_path, change):
    path = tmp_path / "a.json"
    save_baseline(
        path, Baseline(PROVENANCE, {"a.b": Samples("ms", MetricKind.TIMED, (SampleBatch((1.0, 2.0), (3.0,)),))})
    )
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


def drop(*keys):
    def change(data):
        data = data["sessions"][0] if keys[0] in data["sessions"][0] else data
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


def put(value, *keys):
    def change(data):
        data = data["sessions"][0] if keys[0] in data["sessions"][0] else data
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("kind"), "kind is missing"),
        (put("calibration", "kind"), "is not a baseline"),
        (put(3, "schema"), "schema 3, but this camrig reads 2"),
        (put(1, "schema"), r"is from before sessions were kept \(schema 1\)"),
        (put([], "sessions"), "holds no session"),
        (put({}, "sessions"), "sessions is not a list"),
        (put("1", "schema"), "schema is not a whole number"),
        (put(True, "schema"), "schema is not a whole number"),
        (drop("origin"), "origin is missing"),
        (drop("origin", "mac"), "origin is damaged: mac is missing"),
        (put(5, "origin", "mac"), "mac is not a text"),
        (put("yes", "origin", "virtual"), "neither true nor false"),
        (put(1.5, "origin", "rssi"), "rssi is not a whole number"),
        (put([], "origin", "settings"), "not hold an object"),
        (put({"a": [1]}, "origin", "settings"), "more than plain values"),
        (put([], "metrics"), "not hold an object"),
        (put({}, "metrics"), "holds no metric"),
        (put({}, "metrics", "a b"), "not a metric name"),
        (put("odd", "metrics", "a.b", "kind"), "not a kind of metric"),
        (put("slope", "metrics", "a.b", "kind"), "points of a slope must have an x"),
        (put(None, "metrics", "a.b", "batches"), "batches is not a list"),
        (put(["x"], "metrics", "a.b", "batches", 0, "values"), "values is not a number"),
        (put([True], "metrics", "a.b", "batches", 0, "values"), "values is not a number"),
        (put([1e999], "metrics", "a.b", "batches", 0, "values"), "not a finite number"),
        (put([10**400], "metrics", "a.b", "batches", 0, "values"), "not a finite number"),
        (put([1.0], "metrics", "a.b", "batches", 0, "at"), "x of its own"),
        (drop("metrics", "a.b", "batches", 0, "control"), "control is missing"),
    ],
)
def test_a_damaged_baseline_names_the_field(tmp_path, change, message):
    path = edited(tmp_path, change)
    with pytest.raises(BaselineError, match=message) as raised:
        load_baseline(path)
    assert "a.json" in raised.value.what
    assert "--hil-save" in raised.value.hint


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_a_file_that_is_not_a_baseline_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(BaselineError, match=r"a\.json is damaged"):
        load_baseline(tmp_path / "a.json")


def test_a_missing_baseline_is_an_error(tmp_path):
    with pytest.raises(BaselineError, match="there is no baseline") as raised:
        load_baseline(tmp_path / "none.json")
    assert raised.value.exit_code == EXIT_USAGE
    with pytest.raises(BaselineError, match="cannot be read"):
        load_baseline(tmp_path)


def test_a_baseline_that_cannot_be_written_leaves_no_file(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(BaselineError, match="cannot be written"):
        save_baseline(tmp_path / "a.json", Baseline(PROVENANCE, {}))
    (tmp_path / "file").write_text("")
    with pytest.raises(BaselineError, match="cannot be written"):
        save_baseline(tmp_path / "file" / "a.json", Baseline(PROVENANCE, {}))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "file"]


def test_a_damaged_or_missing_calibration_is_an_error(tmp_path):
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
    ("change", "reason"),
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
        (
            {"settings": {"preflight": "those of a browser"}},
            "preflight requests: with 4 headers and those of a browser",
        ),
    ],
)
def test_runs_that_may_not_be_compared_name_the_difference(change, reason):
    reference = replace(PROVENANCE, **change)
    assert any(reason in difference for difference in differences(PROVENANCE, reference))
    assert differences(reference, PROVENANCE)
    with pytest.raises(BaselineError, match="may not be compared with the baseline release"):
        demand_comparable(PROVENANCE, reference, "the baseline release", "save another one")


def test_library_radio_and_patch_release_may_differ():
    reference = replace(PROVENANCE, library_sha256="cd" * 32, rssi=-70, channel=11, taken="2027", rig="0.1.9")
    assert differences(PROVENANCE, reference) == ()
    demand_comparable(PROVENANCE, reference, "the baseline release", "save another one")
