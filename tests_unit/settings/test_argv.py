"""Values of options are kept from being mistaken for test paths."""

from __future__ import annotations

from camrig.settings.argv import Separated, mistaken, separate


def test_long_flags_are_joined_to_their_values_and_short_ones_postponed(tmp_path):
    (tmp_path / "x").touch()
    arguments = ["-k", "x", "--hil-compare-anyway", "x", "--hil-save", "x", "--device", "a b", "--hil-lib=x", "--"]
    separated = separate([*arguments, "--device", "x"])
    assert separated.kept == [*arguments[:4], "--hil-save=x", "--hil-lib=x", "--", "--device", "x"]
    assert separated.postponed == ["--device", "a b"]
    assert mistaken(arguments, tmp_path)
    assert not mistaken(separated.kept, tmp_path)
    assert not mistaken(["--device", "sim", "--hil-save"], tmp_path)


def test_an_option_of_another_plugin_is_left_alone(tmp_path):
    (tmp_path / "x").touch()
    arguments = ["--device", "x", "--hil-device", "x"]
    assert separate(arguments, {"--device"}) == Separated(["--device", "x", "--hil-device=x"], [])
    assert mistaken(arguments, tmp_path, {"--device"})
    assert not mistaken(arguments[:2], tmp_path, {"--device"})
