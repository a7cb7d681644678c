"""The table [deploy]: relative paths, and a sentence for every value that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from camrig.errors import SettingsError
from camrig.settings.deploy_table import DeployTable
from camrig.settings.resolve import resolve


def table(folder: Path, text: str) -> DeployTable:
    (folder / "camrig.toml").write_text(text)
    (folder / "tests").mkdir(exist_ok=True)
    return resolve({}, {}, folder / "tests").deploy


def test_paths_are_relative_to_the_config_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    mount = '{ "/www" = "web/dist", "/b" = "/abs", "/c" = "~/c" }'
    text = f'[deploy]\ninclude = ["docs"]\nexclude = ["*.js", "raw/"]\nmount = {mount}'
    assert table(tmp_path, text) == DeployTable(
        ("docs",),
        ("*.js", "raw/"),
        {"/www": tmp_path / "web/dist", "/b": Path("/abs"), "/c": Path("/home/me/c")},
    )
    assert table(tmp_path, "") == table(tmp_path, "[deploy]\n") == DeployTable()


@pytest.mark.parametrize("value", ["1", "true", '"x"', "[1]", '["x", ""]', "[[]]", "{}", '[" "]', "2026-01-01"])
@pytest.mark.parametrize("key", ["include", "exclude"])
def test_patterns_are_a_list_of_texts(tmp_path, key, value):
    with pytest.raises(SettingsError, match=rf"camrig\.toml: deploy\.{key} is not a list of patterns"):
        table(tmp_path, f"[deploy]\n{key} = {value}")


@pytest.mark.parametrize(
    "value", ["1", '"x"', '["x"]', '{ "/a" = 1 }', '{ "/a" = "" }', '{ "/a" = ["x"] }', '{ a.b = "x" }']
)
def test_a_mount_is_a_table_of_paths(tmp_path, value):
    with pytest.raises(SettingsError, match=r"camrig\.toml: deploy\.mount is not a table of paths"):
        table(tmp_path, f"[deploy]\nmount = {value}")


@pytest.mark.parametrize(("text", "message"), [
    ("deploy = 1", "deploy in camrig.toml is not a table"),
    ("[[deploy]]", "deploy in camrig.toml is not a table"),
    ("[deploy]\nexlude = []", "[deploy] of camrig.toml has no setting 'exlude', did you mean exclude"),
    ("[deploy]\nmounts = {}", "has no setting 'mounts', did you mean mount"),
    ('[deploy]\nmount = { "/a" = "~nobody-of-that-name/x" }', "names the home of an unknown user"),
])  # fmt: skip
def test_what_is_not_the_table_is_named(tmp_path, text, message):
    with pytest.raises(SettingsError) as refused:
        table(tmp_path, text)
    assert message in refused.value.what


@pytest.mark.parametrize(("line", "settings"), [
    ("settings.camera = false", {"camera": False}),
    ('settings = { camera.size = "QVGA", rates = [1, 2.5] }', {"camera": {"size": "QVGA"}, "rates": [1, 2.5]}),
])  # fmt: skip
def test_settings_of_the_application_are_taken_as_they_are(tmp_path, line, settings):
    assert table(tmp_path, f"[deploy]\n{line}") == DeployTable(settings=settings)


@pytest.mark.parametrize(("line", "message"), [
    ("settings = false", "deploy.settings is not a table of settings of the application"),
    ("settings = [1]", "deploy.settings is not a table of settings of the application"),
    ('settings.wifi.ssid = "lab"', "deploy.settings.wifi belongs to the bench"),
    ("settings.port = 80", "deploy.settings.port belongs to the bench"),
    ("settings.since = 2026-01-01", "deploy.settings.since has a value that JSON cannot hold"),
    ("settings.a.b = [[1], [inf]]", "deploy.settings.a.b has a value that JSON cannot hold"),
    ("settings.a.b = { c = nan }", "deploy.settings.a.b.c has a value that JSON cannot hold"),
])  # fmt: skip
def test_settings_that_no_board_can_have_are_named(tmp_path, line, message):
    with pytest.raises(SettingsError) as refused:
        table(tmp_path, f"[deploy]\n{line}")
    assert refused.value.what == f"camrig.toml: {message}"
