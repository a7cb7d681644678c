"""The patterns of include and exclude: what they match, and which of them have matched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import PurePosixPath

import pytest
from camrig.deploy.patterns import Patterns
from camrig.errors import SettingsError
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.sampled_from(["a", "b.py", "c d", ".e", "[x]"]), min_size=1, max_size=4)


@pytest.mark.parametrize(("pattern", "matching", "others"), [
    ("*.js", ["a.js", "static/a.js", "x/y/a.js"], ["a.jsx", "js", ".js"]),
    ("/*.js", ["a.js"], ["static/a.js"]),
    ("static", ["static", "x/static"], ["static.html", "static/a"]),
    ("static/", ["static", "x/static"], ["statics"]),
    ("./static/raw", ["static/raw"], ["x/static/raw", "raw"]),
    ("static/*", ["static/a", "static/b.c"], ["static", "static/a/b", "x/static/a"]),
    ("static/**", ["static/a", "static/a/b"], ["static", "static/.a", "static/.a/b"]),
    ("**/raw", ["raw", "a/raw", "a/b/raw"], ["raw/a", ".git/raw"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["b", "a/xb"]),
    ("**/**/**/**/**/**/**/**/*.py", ["a.py", "a/b/c/d/e/f/g/h.py"], ["a.js"]),
    ("a?.[ch]", ["ab.c", "x/ab.h"], ["a.c", "ab.x"]),
    ("[draft].html", ["[draft].html", "d.html"], ["draft.html"]),
    (".*", [".git", "a/.git"], ["git"]),
    ("", [], ["a"]),
    ("/", [], ["a"]),
])  # fmt: skip
def test_a_pattern_matches(pattern, matching, others):
    for path in matching:
        patterns = Patterns([pattern], dots=False)
        assert patterns.match(path), path
        assert patterns.unmatched == []
    for path in others:
        patterns = Patterns([pattern], dots=False)
        assert not patterns.match(path), path
        assert patterns.unmatched == [pattern]


PATHS = [
    "a.js", "a b.js", "ab.js", "static/a.js", "static/raw/a.psd", "x/static/raw/b", "x/y/static/a", "static/.x/a.js",
    "docs/help.md", "x/docs/help.md", "raw", "x/raw/q", ".env", "x/.env", "x/y/z/raw",
]  # fmt: skip


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize("pattern", [
    "*.js", "/*.js", "static", "static/", "static/raw", "/static/raw", "**/raw", "static/**", "static/*", "*.psd",
    "**", "x/**/static", "docs/help.md", "a?.js", "[ax].js", "*", ".env", "/raw", "x/*/static", "static/**/a.js",
    "x/**/raw",
])  # fmt: skip
def test_a_pattern_matches_what_git_ignores_by_it(tmp_path, pattern):
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), *words]
        return subprocess.run(command, input="\n".join(PATHS), capture_output=True, text=True, timeout=60).stdout

    git("init", "--quiet")
    (tmp_path / ".git/info").mkdir(exist_ok=True)
    (tmp_path / ".git/info/exclude").write_text(f"{pattern}\n")
    patterns = Patterns([pattern], dots=True)
    ignored = git("-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin").splitlines()
    above = {path: [str(folder) for folder in PurePosixPath(path).parents][:-1] for path in PATHS}
    assert [path for path in PATHS if any(map(patterns.match, [path, *above[path]]))] == ignored != []


@given(NAMES)
def test_a_path_matches_itself_and_every_wildcard_of_its_length(parts):
    path = "/".join(parts)
    for pattern in (path, f"/{path}", "/".join("*" * len(parts)), "**", f"**/{parts[-1]}"):
        assert Patterns([pattern], dots=True).match(path), pattern
    assert not Patterns(["/" + "/".join("*" * (len(parts) + 1))], dots=True).match(path)


@pytest.mark.parametrize(("pattern", "folder", "reaches"), [
    ("venv/lib/x.py", "venv", True), ("venv/*/x.py", "venv/lib", True), ("venv/**", "venv", True),
    ("**/x.py", "venv", False), ("*.py", "venv", False), ("venv", "venv", False), ("env/x", "venv", False),
    ("*/x.py", ".git", False),
])  # fmt: skip
def test_only_a_pattern_that_names_a_folder_reaches_into_it(pattern, folder, reaches):
    assert Patterns([pattern], dots=False).reach_into(folder) is reaches


def test_a_pattern_that_has_matched_nothing_is_named(tmp_path):
    patterns = Patterns(["*.js", "*.css", "odd\0"], dots=True)
    assert patterns.match("a.js")
    with pytest.raises(SettingsError, match=r"\[deploy\] exclude: '\*\.css' matches nothing in "):
        patterns.demand_matched("exclude", tmp_path)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/a.css").touch()
    patterns.look_below(tmp_path)
    assert patterns.unmatched == ["odd\0"]
