"""Wrong arguments end as those of pytest do, and Ctrl-C is one line."""

from __future__ import annotations

import importlib.abc
import signal
import sys

import pytest
from camrig.__main__ import main


@pytest.mark.parametrize("arguments", [["verdict"], ["ab", "--seed", "x"], ["nonsense"]])
def test_wrong_arguments_end_with_pytests_usage_error(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["camrig", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert capsys.readouterr().err.startswith("usage: camrig")


class Interrupted(importlib.abc.MetaPathFinder):
    """Ctrl-C while a module is looked for."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "camrig.cli.main":
            raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["while it is read", "while it runs"])
def test_an_interrupted_command_ends_in_one_line(monkeypatch, capsys, when):
    if when == "while it is read":
        monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
        monkeypatch.delitem(sys.modules, "camrig.cli.main", raising=False)
    else:
        monkeypatch.setattr("camrig.cli.main.resolve", lambda *_: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(sys, "argv", ["camrig", "devices"])
    assert main() == 2
    assert capsys.readouterr().err == "camrig: interrupted\n"
