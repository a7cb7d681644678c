"""What the pages for users and contributors name is there."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
from camrig.cli.parser import COMMANDS, parser
from camrig.settings.config_file import read_toml
from camrig.settings.options import OPTIONS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])
OURS = r"(?:\.ci|benchmarks|device|docs|lib|rig|tests_hil|tests_unit)/[\w./-]*"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_path_of_this_repository_exists(page):
    text = page.read_text(encoding="utf-8")
    paths = {page.parent / path for path in re.findall(rf"`({OURS})`", text) if not (ROOT / path).exists()}
    links = {page.parent / path for path in re.findall(r"\]\((?!https?:)([^)#]+)", text)}
    assert [str(path) for path in paths | links if not path.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_make_target_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    mentioned = re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(mentioned) <= targets


FLAGS = {flag for option in OPTIONS for flag in (option.flag, option.long_flag)}
KEYS = {option.name.replace("_", "-") for option in OPTIONS} | {option.name for option in OPTIONS}


def code(page: Path, language: str = "") -> list[str]:
    """The code blocks of a page: fenced ones of that language, or for none of it all indented and fenced lines."""
    text = page.read_text(encoding="utf-8")
    if language:
        return [textwrap.dedent(block) for block in re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.M | re.S)]
    fenced = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for line in re.findall(r"^    .*", text, re.MULTILINE)] + "\n".join(fenced).splitlines()


def inline(page: Path, program: str) -> list[str]:
    """The code within sentences that begins with the name of a program, and goes on."""
    return re.findall(rf"`({program} [^`\n…]+)`", page.read_text(encoding="utf-8"))


def flags_of(command: str) -> set[str]:
    """The flags of a sub-command and of its actions."""
    flags: set[str] = set()
    parsers = [parser([command])]
    while parsers:
        actions = parsers.pop()._actions
        flags |= {flag for action in actions for flag in action.option_strings}
        parsers += [
            inner for action in actions if isinstance(action.choices, dict) for inner in action.choices.values()
        ]
    return flags


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub and Python-Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_an_anchor_exists(page):
    for file, name in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        headings = re.findall(r"^#+ (.*)$", (page.parent / file if file else page).read_text(encoding="utf-8"), re.M)
        assert name in map(anchor, headings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_an_option_exists(page):
    options = set(re.findall(r"--(?:hil|device|firmware)[\w-]*", page.read_text(encoding="utf-8")))
    assert options - FLAGS - {"--hil-"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_can_be_typed(page):
    for line in code(page):
        if re.match(r"camrig [a-z]", line) and "…" not in line and ": " not in line.partition("#")[0]:
            words = shlex.split(line, comments=True)[1:]
            assert parser(words).parse_args(words).command == words[0], line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_run_of_pytest_can_be_typed(page, pytestconfig):
    for line in [*code(page), *inline(page, "pytest")]:
        if re.match(r"(?:python -m )?pytest( |$)", line) and "…" not in line:
            words = shlex.split(line.replace("python -m ", ""), comments=True)[1:]
            options = [word for word in words if not re.fullmatch(r"-n( \d+)?", word)]
            assert pytestconfig._parser.parse_known_and_unknown_args(options)[1] == [], line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_within_a_sentence_exists(page):
    for text in inline(page, "camrig"):
        words = text.replace("\\|", " ").split()[1:]
        assert words[0] in COMMANDS or words[0] in ("COMMAND", "--version"), text
        flags = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help"}
        if words[0] in COMMANDS:
            assert flags <= flags_of(words[0]), text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_port_of_linux_has_one_of_windows_beside_it(page):
    text = page.read_text(encoding="utf-8")
    if page.name == "reference.md":  # says it once, above all examples
        assert re.search(r"In each\s+example\s+`/dev/ttyUSB0` may be .*`COM3`", text)
        return
    parts = re.split(r"\n\s*\n|\n(?=\||- |\d\. |```)", text)
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if re.search(r"(?:--device |DEVICE=|--flash )/dev/|`/dev/ttyUSB0`", part):
            assert re.search(r"\bCOM\d", before + part + after), part


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_compiles(page):
    for block in code(page, "python"):
        compile(block, str(page), "exec")


OF_WIFI = {"ssid", "password", "network"}  # of camrig.wifi.toml


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_settings_are_known(page, tmp_path):
    for number, block in enumerate(code(page, "toml")):
        path = tmp_path / f"{number}.toml"
        path.write_text(block)
        assert read_toml(path).keys() <= KEYS | {"board", "limits", "wiring", "deploy"} | OF_WIFI, block


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (test_a_path_of_this_repository_exists, "See `docs/gone.md`."),
        (test_a_path_of_this_repository_exists, "See [there](gone.md)."),
        (test_an_anchor_exists, "# Title\n\n[there](#titel)"),
        (test_an_option_exists, "Use `--hil-gone`."),
        (test_a_make_target_exists, "Run `make gone`."),
        (test_a_command_within_a_sentence_exists, "Use `camrig gone`."),
        (test_a_command_within_a_sentence_exists, "Use `camrig sim --gone`."),
        (test_a_port_of_linux_has_one_of_windows_beside_it, "COM3\n\nText\n\n    pytest --device /dev/ttyUSB0"),
    ],
)
def test_a_wrong_page_is_refused(tmp_path, check, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(AssertionError):
        check(page)


@pytest.mark.parametrize("line", ["pytest --hil-gone", "pytest --hil-save", "python -m pytest tests --devise COM3"])
def test_a_wrong_run_of_pytest_is_refused(tmp_path, pytestconfig, line):
    page = tmp_path / "page.md"
    page.write_text(f"Text:\n\n    {line}\n")
    with pytest.raises((AssertionError, pytest.UsageError)):
        test_a_run_of_pytest_can_be_typed(page, pytestconfig)
