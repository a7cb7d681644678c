"""Each row of the table of what is refused: each situation that it names ends a command before it looks for a board.

Its second cell, the reason, is executed too: on a virtual board where it is about MicroPython.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from camrig.board.session import Session
from camrig.cli.main import main
from camrig.deploy.contents import upstream_cors
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.deploy.test_fat import _DISK
from tests_unit.docs.cistern import PAGE
from tests_unit.docs.page import codes

ROWS = PAGE.table("refused", "because")
MAIN, CORS = "app/main.py", "lib/microdot/cors.py"
SHIPPED = str(upstream_cors())
UPSTREAM = str(upstream_cors().with_name("microdot.py"))


@dataclass(frozen=True)
class Situation:
    """Files and links of a repository, each a path in it, and the names that the error must have."""

    files: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    lib: str = "lib"
    app: str = "app"


def clash(*files: str, beside: str = "") -> Situation:
    """Two files, both of which are named; ``beside`` is one that is in every repository, or in Microdot."""
    return Situation(files, named=(*files, beside) if beside else files)


REFUSED = {
    "an application with `lib/microdot/cors.py`, or a copy of Microdot, also with the same content": [
        clash("app/lib/microdot/cors.py", beside=CORS),
        clash("app/microdot/cors.py", beside=CORS),
        clash("app/lib/microdot/microdot.py", beside=UPSTREAM),
        clash("app/microdot/microdot.py", beside=CORS),
    ],
    "an application with `microdot.py`, `microdot/` or anything else that the library has in `/lib`": [
        clash("app/microdot.py", beside=CORS),
        clash("app/microdot/part.py", beside=CORS),
        clash("app/part.py", "lib/part.py"),
        clash("app/lib/part.py", "lib/part.py"),
        clash("app/pkg/a.py", "lib/pkg/b.py"),
    ],
    "`cors/__init__.py`, `microdot.py` beside `microdot/`, a folder of pages `web/` beside `web.py`": [
        clash("app/microdot/cors/__init__.py", beside=CORS),
        clash("lib/microdot/cors/__init__.py", beside=CORS),
        clash("lib/microdot.py", beside=CORS),
        clash("app/web/index.html", "app/web.py"),
    ],
    "`part.py` beside `part.mpy`, `part.py` in `/` and in `/lib`": [
        clash("app/part.py", "app/part.mpy"),
        clash("lib/part.py", "lib/part.mpy"),
        clash("app/part.py", "app/lib/part.py"),
    ],
    "names that differ only in case": [
        clash("app/Page.html", "app/page.html"),
        clash("app/WWW/a.html", "app/www/b.html"),
        clash("app/Part.py", "lib/part.py"),
    ],
    "a module or a folder in the library that is a symbolic link": [
        Situation(("elsewhere/part.py",), {"lib/part.py": "elsewhere/part.py"}, ("lib/part.py", "elsewhere/part.py")),
        Situation(("elsewhere/a.py",), {"lib/pkg": "elsewhere"}, ("lib/pkg", "elsewhere")),
    ],
    "a symbolic link to nothing, or back into a folder that contains it": [
        Situation(links={"app/part.py": "app/gone.py"}, named=("app/part.py", "gone.py")),
        Situation(links={"lib/part.py": "lib/gone.py"}, named=("lib/part.py", "gone.py")),
        Situation(("app/pkg/a.py",), {"app/pkg/again": "app"}, ("app/pkg/again", "app")),
    ],
    "a symbolic link of the application that leads out of the repository and of the folder of `camrig.toml`": [
        Situation(("camrig.toml",), {"app/ca.pem": "../out.pem"}, ("app/ca.pem", "out.pem")),
        Situation(("camrig.toml",), {"app/pkg": ".."}, ("app/pkg",)),
    ],
    "a library without `microdot/cors.py` or `.mpy`, if the application imports CORS; one with a second below it": [
        Situation(("empty/microdot/sse.py", "empty/cors.mpy"), lib="empty", named=("empty", "microdot/cors.py")),
        clash("lib/src/microdot/cors.py", beside=CORS),
        clash("lib/src/microdot/cors.mpy", beside=CORS),
    ],
}


@pytest.fixture
def deploy(tmp_path, monkeypatch, capsys) -> Callable[[Situation], tuple[int, str]]:
    """Makes the repository and deploys it to a board that is missing: the exit code, and the error."""
    repository = tmp_path / "repository"

    def call(situation: Situation) -> tuple[int, str]:
        (repository / ".git").mkdir(parents=True)
        (tmp_path / "out.pem").touch()
        for name in (MAIN, CORS, *situation.files):
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            same = Path(SHIPPED).parent / Path(name).name  # a copy has the same content
            (repository / name).write_bytes(same.read_bytes() if same.is_file() else b"")
        (repository / MAIN).write_text("from microdot.cors import CORS\n")
        for name, target in situation.links.items():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            (repository / name).symlink_to(repository / target)
        monkeypatch.chdir(repository)
        folders = ("--hil-lib", situation.lib, "--hil-app", situation.app)
        return main(["deploy", "--device", "/dev/ttyNOBOARD", *folders]), capsys.readouterr().err

    return call


def test_every_row_has_its_situations():
    assert [row[0] for row in ROWS] == list(REFUSED)
    for cell, situations in REFUSED.items():
        made = " ".join(f"/{name}" for s in situations for name in (*s.files, *s.links, MAIN, CORS))
        assert [code for code in codes(cell) if code.rstrip("/") not in made] == [], cell


@pytest.mark.parametrize(
    "situation", [situation for row in ROWS for situation in REFUSED.get(row[0], [])], ids=lambda s: s.named[0]
)
def test_what_is_refused_names_both(deploy, situation):
    code, error = deploy(situation)
    assert code == 4, error
    assert error.startswith("camrig: ")
    assert error.count("\n") == 1
    assert [name for name in situation.named if name not in error] == []
    assert "NOBOARD" not in error


def test_what_is_not_refused_needs_a_board(deploy):
    code, error = deploy(Situation(("app/part.py", "app/web/index.html", "lib/tool.py"), {"app/w.html": "app/web"}))
    assert code == 6, error
    assert "there is no port /dev/ttyNOBOARD" in error


@pytest.fixture(scope="module")
def board() -> Iterator[Session]:
    with VirtualBoard.start(VirtualConfig()) as virtual:
        session = Session(virtual.path, 115200)
        session.repl()
        yield session
        session.close()


_WRITE = """
import os, sys
def write(path, text):
    folders = path.split('/')[1:-1]
    for end in range(1, len(folders) + 1):
        try:
            os.mkdir('/' + '/'.join(folders[:end]))
        except OSError:
            pass
    with open(path, 'w') as f:
        f.write(text)
"""
_IMPORT = """
for known in list(sys.modules):
    del sys.modules[known]
import NAME
print(getattr(NAME, 'PLACE', 'a package'))
"""


@pytest.fixture
def imported(board: Session) -> Callable[..., str]:
    """The place of the module that the board imports by that name, where all these modules and pages are."""

    def call(name: str, *places: str) -> str:
        write = "".join(f"write({place!r}, {f'PLACE = {place!r}'!r})\n" for place in places)
        remove = "".join(f"os.remove({place!r})\n" for place in places)
        return board.exec(_WRITE + write + _IMPORT.replace("NAME", name) + remove).strip()

    return call


def test_micropython_looks_in_the_root_first(imported):
    assert imported("a.b", "/lib/a/b.py", "/a/b.py") == "/a/b.py"
    assert imported("c", "/lib/c.py", "/c.py") == "/c.py"


def test_micropython_takes_a_folder_before_a_module(imported):
    assert imported("d", "/d.py", "/d/__init__.py") == "/d/__init__.py"
    assert imported("e", "/e.py", "/e/index.html") == "a package"


def test_only_one_of_two_files_is_imported(imported):
    assert imported("g", "/g.py", "/g.mpy") == "/g.py"


def test_fat_tells_no_names_apart_by_case(board):
    board.exec(_DISK)
    board.exec("open('/Page.html', 'w').close()\nopen('/page.html', 'w').close()\nimport os")
    assert board.exec("print(len([n for n in os.listdir('/') if n.lower() == 'page.html']))").strip() == "1"


def test_a_copy_would_be_judged_instead_of_the_library(imported):
    assert imported("h.cors", "/lib/h/cors.py", "/h/cors.py") == "/h/cors.py"


def test_the_librarys_folder_itself_may_be_a_link(deploy):
    code, error = deploy(Situation(links={"named": "lib"}, lib="named"))
    assert (code, "no port" in error) == (6, True)


def test_a_mount_says_in_the_repository_what_a_link_out_of_it_says(deploy, tmp_path):
    code, error = deploy(Situation(("camrig.toml",), {"app/ca.pem": "../out.pem"}))
    mount = error.partition("and write mount")[2].partition(" below")[0]
    assert (code, bool(mount)) == (4, True)
    (tmp_path / "repository/app/ca.pem").unlink()
    (tmp_path / "repository/camrig.toml").write_text(f"[deploy]\nmount{mount}\n")
    assert main(["deploy", "--device", "/dev/ttyNOBOARD", "--hil-lib", "lib", "--hil-app", "app"]) == 6


@pytest.mark.parametrize("option", [code for code in codes(ROWS[-1][1]) if code.startswith("--hil-lib ")])
def test_a_library_that_is_one_folder_off_names_the_right_one(deploy, option):
    code, error = deploy(Situation(lib=option.split()[1]))
    assert code == 4
    assert "Did you mean lib?" in error


BECAUSE = {
    "it would be judged instead of the library": test_a_copy_would_be_judged_instead_of_the_library,
    "MicroPython looks in `/` first": test_micropython_looks_in_the_root_first,
    "MicroPython takes a folder before a module": test_micropython_takes_a_folder_before_a_module,
    "only one of them would be imported": test_only_one_of_two_files_is_imported,
    "FAT does not tell them apart": test_fat_tells_no_names_apart_by_case,
    "the file that is judged would be another than the one named; the folder itself may be a link": (
        test_the_librarys_folder_itself_may_be_a_link
    ),
    "": test_what_is_refused_names_both,
    "a run somewhere else would deploy something else; `mount` (below) says it in the repository": (
        test_a_mount_says_in_the_repository_what_a_link_out_of_it_says
    ),
    "`--hil-lib lib/microdot` and `--hil-lib .` are one folder off": (
        test_a_library_that_is_one_folder_off_names_the_right_one
    ),
}


def test_every_reason_has_its_test():
    assert [row[1] for row in ROWS] == list(BECAUSE)
