"""Values of options are joined to them where pytest would mistake them for test paths."""

from __future__ import annotations

from camrig.settings.argv import join_values, mistaken


def test_only_options_of_camrig_are_joined_to_their_values(tmp_path):
    (tmp_path / "x").touch()
    arguments = ["-k", "x", "--hil-compare-anyway", "x", "--hil-save", "x", "--hil-lib=x", "--", "--device", "x"]
    assert join_values(arguments) == [*arguments[:4], "--hil-save=x", *arguments[6:]]
    assert mistaken(arguments, tmp_path)
    assert not mistaken(join_values(arguments), tmp_path)
    assert not mistaken(["--device", "sim", "--hil-save"], tmp_path)


def test_an_option_of_another_plugin_is_left_alone(tmp_path):
    (tmp_path / "x").touch()
    arguments = ["--device", "x", "--hil-device", "x"]
    assert join_values(arguments, {"--device"}) == ["--device", "x", "--hil-device=x"]
    assert mistaken(arguments, tmp_path, {"--device"})
    assert not mistaken(arguments[:2], tmp_path, {"--device"})
