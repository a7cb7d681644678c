#!/usr/bin/env python3
"""Write docs/reference.md from the code.

    python .ci/reference.py             write the page
    python .ci/reference.py --print     print it instead

It holds options, settings, sub-commands, fixtures, variables, exit codes, errors and the fields of results.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from camrig import errors
from camrig.cli.parser import COMMANDS, parser
from camrig.plugin import fixture_names, fixtures
from camrig.report.json_report import SCHEMA, BoardReport, RunReport
from camrig.settings.config_file import CONFIG_FILE
from camrig.settings.deploy_table import DeployTable
from camrig.settings.options import OPTIONS
from camrig.settings.wifi import WIFI_FILE

NAMES = {option.name for option in OPTIONS}
ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rig" / "camrig"
PAGE = ROOT / "docs" / "reference.md"

INTRODUCTION = f"""\
# Reference

Written from the code by `make reference`; a test compares this page with what the code says now. What a firmware
needs for which of this is in [levels.md](levels.md): [serial line](levels.md#serial-line),
[any HTTP server](levels.md#any-http-server), [Microdot and the agent](levels.md#microdot-and-the-agent).

A flag overrides the variable, the variable overrides the key in the nearest `{CONFIG_FILE}`, and the key the default,
which is in parentheses. camrig looks for `{CONFIG_FILE}` from the current folder upward, up to the root
of its repository, and prints its path in the header of a run."""

COMMAND = """\
`python -m camrig` is the same command. `camrig` alone shows examples, and `camrig COMMAND --help` what follows.
In each example `/dev/ttyUSB0` may be `/dev/cu.usbserial-…` (macOS) or `COM3` (Windows). Words are completed after

    eval "$(register-python-argcomplete camrig)"                    # bash, zsh
    register-python-argcomplete --shell fish camrig | source        # fish"""

EXIT_CODES = """\
Those of pytest and of every sub-command of camrig. 6 means *blocked*: no board, no Wi-Fi, a board that does not boot,
or an exception that nobody expected, whose traceback is kept in a file for a bug report. That is not a failure of the
library, and a check that could not run has not passed. Tests that need a board which does not serve are not run: the
first of them says why. 7 means *inconclusive*: the samples do not decide whether a limit holds; see
[release-gate.md](release-gate.md)."""

# What variables mean that are not an option's. The code is searched for all that it reads.
VARIABLES = {
    "CAMRIG_WIFI_SSID": f"the network that boards join; or `ssid` in `{WIFI_FILE}`",
    "CAMRIG_WIFI_PASSWORD": f"its password; or `password` in `{WIFI_FILE}`. Hidden wherever camrig prints or writes",
    "MICROPY_MICROPYTHON": "the MicroPython program of the virtual board (that of the installed package)",
    "XDG_CACHE_HOME": "where compiled modules are kept, in `camrig/built` (`~/.cache`)",
    "LOCALAPPDATA": "the same on Windows",
    "XDG_RUNTIME_DIR": "where locks of boards and tokens of agents are kept (a folder of this user in `/tmp`)",
    "CAMRIG_AIR": "where runs wait for the air that boards share: one folder for all users (`camrig-air` in `/tmp`)",
    "USERNAME": "names that folder where there are no user numbers (Windows)",
    "CAMRIG_WATCH_RESULT": "set by `camrig watch` for the pytest that it runs",
    "CAMRIG_RELEASE": "set by `camrig release` for its commands: `release`, or `rehearsal`, which marks outputs",
    "GITHUB_STEP_SUMMARY": "the file to which a run appends its summary; GitHub Actions sets it",
    "TERM": "`dumb`: no bar that moves while long work goes on",
    "NO_COLOR": "no colours, whatever its value",
    "PYTEST_ADDOPTS": "options for pytest, camrig's among them",
    "_ARGCOMPLETE": "set by the shell while it completes words",
}

# What tests use of the objects behind fixtures: how a test writes it, where the class is, its names.
OBJECTS = (
    ("board", "bringup/board.py", "Board", ("exec", "eval")),
    ("dut", "dut.py", "Dut", ("url", "request", "policy", "heap", "agent", "repeat_lost", "restart_expected")),
    ("dut.console", "board/console.py", "Console", ("expect", "mark", "text")),
    ("dut.agent", "probe/agent.py", "Agent", ("about", "radio", "run", "allocations")),
    ("response", "probe/client.py", "Response", ("header", "values")),
)

TABLES = {
    "[deploy]": "which files of the application are deployed: {keys}; see "
    "[own-firmware.md](own-firmware.md#which-files-are-deployed)",
    "[limits]": "a limit for each metric, such as `heap.leak_slope`; see [release-gate.md](release-gate.md#limits)",
    "[wiring.NAME]": "how DTR and RTS are wired, for `lines`: `idle`, `reset`, `bootloader`; see "
    "[wiring-esp32-cam.md](wiring-esp32-cam.md#dtr-and-rts)",
}


def page() -> str:
    """The whole page, as the code is now."""
    sections = (
        INTRODUCTION,
        "## Options of pytest\n\n" + _options(),
        f"## Keys of {CONFIG_FILE}\n\n" + _keys(),
        "## The command camrig\n\n" + "\n\n".join(_commands()),
        "## Fixtures\n\n" + "\n\n".join(_fixtures()),
        "## Objects in tests\n\n" + _objects(),
        "## Environment variables\n\n" + _variables(),
        "## Exit codes\n\n" + _exit_codes(),
        "## Errors in scripts\n\n" + _errors(),
        "## Results of a run\n\n" + _results(),
    )
    return "\n\n".join(sections) + "\n"


def _options() -> str:
    rows = []
    for option in OPTIONS:
        value = "" if option.switch else f" {option.metavar}"
        flags = " ".join(f"`{flag}{value}`" for flag in dict.fromkeys((option.flag, option.long_flag)))
        names = " ".join(f"`{name}`" for name in option.env)
        rows.append((flags, names, f"`{option.name}`", _cell(option.help)))
    return (
        "`pytest --help` lists them under *camrig*. Where another plugin has an option `--device` or "
        f"`--firmware`, only the names with `--hil-` are camrig's. The key is that of `{CONFIG_FILE}`.\n\n"
        + _table(("option", "variable", "key", "meaning"), rows)
    )


def _keys() -> str:
    """The tables that the file may have, beside a key for each option."""
    keys = ", ".join(f"`{field.name}`" for field in dataclasses.fields(DeployTable))
    tables = [(f"`{name}`", text.format(keys=keys)) for name, text in TABLES.items()]
    return (
        "Each option above has a key there, in which a dash may stand for the underscore; several devices are a "
        "list. Paths are relative to the file. It may also have these tables:\n\n"
        + _table(("table", "holds"), tables)
        + f"\n\nA password never stands there, but in `{WIFI_FILE}`, with the keys `ssid` and `password`."
    )


def _commands() -> Iterator[str]:
    yield COMMAND
    for name, example in COMMANDS.items():
        subparser = _subparsers(parser([name]))[name]
        yield f"### camrig {name}\n\n{_cell(subparser.description or '')}\n\n    {example}"
        yield from _arguments(f"camrig {name}", subparser)


def _arguments(command: str, subparser: argparse.ArgumentParser) -> Iterator[str]:
    """The arguments of a command, its actions, and the options that it shares with pytest."""
    actions = [action for action in subparser._actions if isinstance(action, argparse._SubParsersAction)]
    own = [action for action in subparser._actions if not isinstance(action, argparse._SubParsersAction)]
    rows = [(_spelling(action), _cell(action.help or "")) for action in own if not _is_shared(action)]
    if rows:
        yield _table(("argument", "meaning"), rows)
    for action in actions:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        rows = []
        for name, inner in action.choices.items():
            own += inner._actions
            words = [_plain(word) for word in inner._actions if not word.option_strings]
            rows.append((f"`{' '.join([command, name, *words])}`", _cell(helps[name])))
        yield _table(("action", "meaning"), rows)
    shared = [f"`{word.option_strings[0]}`" for word in own if word.option_strings and word.dest in NAMES]
    if shared:
        yield f"Also, as pytest has them: {', '.join(dict.fromkeys(shared))}."


def _is_shared(action: argparse.Action) -> bool:
    """Whether the table of pytest's options has this one, or every command, as ``--help``."""
    return bool(action.option_strings) and (action.dest in NAMES or isinstance(action, argparse._HelpAction))


def _subparsers(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next(dict(action.choices) for action in top._actions if isinstance(action, argparse._SubParsersAction))


def _spelling(action: argparse.Action) -> str:
    text = " ".join(f"`{flag}{_value(action)}`" for flag in action.option_strings) or f"`{_plain(action)}`"
    return f"{text} (required)" if action.option_strings and action.required else text


def _value(action: argparse.Action) -> str:
    return "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"


def _plain(action: argparse.Action) -> str:
    """A positional argument, in brackets where it may be left out."""
    name = str(action.metavar or action.dest.upper())
    optional = {"?": f"[{name}]", "*": f"[{name} ...]"}
    return optional.get(str(action.nargs), name)


def _fixtures() -> Iterator[str]:
    """Each public fixture with its scope and docstring, read from the source: pytest hides what it has wrapped."""
    yield "A test asks for them by name. [own-firmware.md](own-firmware.md#fixtures) shows them in use."
    tree = ast.parse(Path(str(fixtures.__file__)).read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in fixture_names.PUBLIC:
        function = functions[name]
        text = (ast.get_docstring(function) or "").replace("``", "`")
        yield f"### {name}\n\nScope: {_scope(function)}. {text}"


def _objects() -> str:
    """The methods and properties that tests use, with their signatures and the beginning of their docstrings."""
    rows = []
    for written, file, name, members in OBJECTS:
        source = (PACKAGE / file).read_text(encoding="utf-8")
        tree, constants = ast.parse(source), dict(re.findall(r"^([A-Z_]+) = ([\d.]+)", source, re.MULTILINE))
        kind = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        functions = {node.name: node for node in kind.body if isinstance(node, ast.FunctionDef)}
        for function in (functions[member] for member in members):
            text = (ast.get_docstring(function) or "").partition("\n\n")[0]
            call = _call(function)
            for constant in re.findall(r"=([A-Z_]+)\b", call):
                call = call.replace(constant, constants.get(constant, constant))
            rows.append((f"`{written}.{call}`", _cell(text)))
    head = "`response` is what `preflight` and `dut.request` return. Times are seconds."
    return f"{head}\n\n{_table(('in a test', 'does'), rows)}"


def _call(function: ast.FunctionDef) -> str:
    """How a method is called: its name, its parameters without types, nothing behind a property."""
    if any(getattr(decorator, "id", "") == "property" for decorator in function.decorator_list):
        return function.name
    arguments = function.args
    for argument in (*arguments.args, *arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg))):
        argument.annotation = None
    parameters = re.sub(r"^self(, )?", "", ast.unparse(arguments))
    return f"{function.name}({parameters})"


def _scope(function: ast.FunctionDef) -> str:
    for decorator in function.decorator_list:
        for keyword in getattr(decorator, "keywords", ()):
            if keyword.arg == "scope" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return "function"


def _variables() -> str:
    options = {name for option in OPTIONS for name in option.env}
    names = sorted(variables_read() - options, key=list(VARIABLES).index)
    return (
        "Those of the options are in their table; where an option has two, the first that is set counts, and one "
        "that is set to nothing counts as not set. camrig also reads:\n\n"
        + _table(("variable", "meaning"), [(f"`{name}`", VARIABLES[name]) for name in names])
    )


def variables_read() -> set[str]:
    """The environment variables that the package reads, by name."""
    names = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if "board_side" not in path.parts:  # runs inside MicroPython
            names |= set(_variables_of(path.read_text(encoding="utf-8")))
    return names


def _variables_of(source: str) -> Iterator[str]:
    constants = dict(re.findall(r'^([A-Z_]+) = "([A-Z_]+)"$', source, re.MULTILINE))
    for name in re.findall(r"\benv(?:iron)?(?:\.get\(|\[)([\w\"]+)", source):
        if name.strip('"') != name or name in constants:
            yield constants.get(name, name.strip('"'))
    yield from re.findall(r'"(\w+)" in os\.environ', source)


def _exit_codes() -> str:
    """pytest's codes by their names, and camrig's by the comments beside them."""
    meanings = {code.value: code.name.lower().replace("_", " ") for code in pytest.ExitCode}
    source = Path(str(errors.__file__)).read_text(encoding="utf-8")
    for number, text in re.findall(r"^EXIT_\w+ = (\d+)  # (.*)$", source, re.MULTILINE):
        meanings[int(number)] = text
    rows = [(str(code), text) for code, text in sorted(meanings.items())]
    return f"{EXIT_CODES}\n\n{_table(('code', 'meaning'), rows)}"


def _errors() -> str:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.CamrigError) and value is not errors.CamrigError
    ]
    rows = [(f"`{kind.__name__}`", str(kind.exit_code), _cell(kind.__doc__ or "")) for kind in classes]
    return "Each is a `CamrigError`, from `camrig.errors`.\n\n" + _table(("class", "exit code", "meaning"), rows)


def _results() -> str:
    """The fields that classes define; results.md explains them."""
    text = f"`results/run-START.json`, schema {SCHEMA}, explained in [results.md](results.md). Fields of the file:"
    return (
        f"{text}\n\n{_fields(RunReport, ('schema', 'int'))}\n\nFields of each of `boards`:\n\n{_fields(BoardReport)}"
    )


def _fields(kind: type, *before: tuple[str, str]) -> str:
    fields = [*before, *((field.name, str(field.type)) for field in dataclasses.fields(kind))]
    return _table(("field", "type"), [(f"`{name}`", f"`{annotation}`") for name, annotation in fields])


def _cell(text: str) -> str:
    """A help text or docstring as a cell of a table."""
    return " ".join(text.replace("``", "`").replace("%%", "%").replace("<", "&lt;").split())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [f"| {' | '.join(row)} |" for row in (head, *escaped)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--print"]:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
