"""Each row of the table of fixtures: the fixture has that scope, and all that the row names of it works."""

from __future__ import annotations

import json
import re
import textwrap

from tests_unit.docs.cistern import PAGE, make_cistern
from tests_unit.docs.page import codes

ROWS = PAGE.table("fixture", "scope", "is")

# By fixture: what its row names, in code, and how a user's test shows that it works.
MEMBERS = {
    "board": {
        "board.exec(...)": "assert board.exec('print(6 * 7)').strip() == '42'",
        "board.eval(...)": "assert board.eval('[6 * 7]') == [42]",
        "board.identity": "assert 'virtual board' in board.identity.machine",
    },
    "dut": {
        "dut.url": "assert dut.url.startswith('http://127.')",
        "dut.request(...)": "assert dut.request('GET', '/level').body == b'{\"litres\": 1200}'",
        "dut.policy(...)": "assert dut.policy(max_age=7)['max_age'] == 7",
        "dut.heap()": "assert dut.heap().free > 10_000",
        "dut.agent": "assert dut.agent.about()['cors_used']",
        "dut.console.expect(...)": """
            dut.agent.run("print('pump on, 3 litres')")
            assert dut.console.expect(r"pump on, (\\d)", timeout=20)[1] == "3"
        """,
    },
    "http": {
        "requests": "import requests\nassert isinstance(http, requests.Session)",
        'http.get("/level")': 'assert http.get("/level").json() == {"litres": 1200}',
    },
    "preflight": {
        "preflight(origin, method, headers, path)": """
            response = preflight("https://wall.example", "GET", ("X-Unit",), "/level")
            assert ["Access-Control-Allow-Origin", "https://wall.example"] in [[*pair] for pair in response.headers]
            assert 0 < response.phases.connect <= response.phases.first_byte <= response.phases.total
        """,
    },
    "measure": {
        'measure("boot.time", 1.2, unit="s")': 'measure("boot.time", 1.2, unit="s")',
        "control=": 'measure("boot.time", [1.3, 1.4], unit="s", control=[5.0, 6.0])',
        "at=": 'measure("boot.rise", [1.0, 2.0, 3.0], unit="s/boot", at=[1, 2, 3])',
    },
    "note": {'note("order", [...])': 'note("order", ["first", "second"])'},
}
# What a row says around its code, which a change of these tests has to follow.
WORDS = {
    "board": "a reserved board on its serial line: …, …, …; deployed to, not yet serving",
    "dut": "the booted board: …, …, …, …, …, …",
    "http": "a … session for the dut: …",
    "preflight": "… sends one and returns the raw response with its phases",
    "measure": (
        "… adds to the table and the JSON; each call is a batch for the gate, "
        "with … samples and … places if there are any"
    ),
    "note": "… keeps plain data beside the figures in the JSON",
}
SCOPES = """
made = {{}}

@pytest.mark.parametrize("number", [1, 2])
def test_scope_of_{name}(number, request, {name}):
    before = made.setdefault("{name}", {name})
    if number == 2:
        assert (before is {name}) == ({scope!r} == "session")
    wider = request.getfixturevalue("shared_{name}") if {scope!r} == "session" else None
    assert wider is None or wider is {name}

@pytest.fixture(scope="session")
def shared_{name}(request):
    return request.getfixturevalue("{name}")
"""
NOT_YET_SERVING = """
def test_deployed_to_and_not_yet_serving(board):
    assert {"cistern.mpy", "main.py", "lib"} <= set(board.eval("__import__('os').listdir('/')"))
    assert not board.eval("__import__('network').WLAN(0).isconnected()")
"""


def suite() -> str:
    """A user's tests for every row, those of the board that does not serve yet first."""
    tests = ["import pytest", NOT_YET_SERVING]
    for cell, scope, text in ROWS:
        (name,) = codes(cell)
        tests.append(SCOPES.format(name=name, scope=scope))
        for number, member in enumerate(codes(text)):
            body = textwrap.indent(textwrap.dedent(MEMBERS[name][member]), "    ")
            tests.append(f"def test_{name}_{number}({name}):\n{body}\n")
    return "\n\n".join(tests)


def test_every_row_names_what_is_tried():
    assert {codes(cell)[0]: codes(text) for cell, _, text in ROWS} == {name: [*row] for name, row in MEMBERS.items()}
    assert {codes(cell)[0]: re.sub(r"`[^`]+`", "…", text) for cell, _, text in ROWS} == WORDS


def test_each_fixture_is_what_its_row_says(run, tmp_path):
    repository = make_cistern(tmp_path)
    (repository / "tests/test_page.py").write_text(suite())
    ended = run("pytest", "-v", cwd=repository)
    assert ended.code == 0, ended.out
    for name in ("boot.time", "boot.rise"):
        assert re.search(rf"^ *{re.escape(name)} .*", ended.out, re.MULTILINE), ended.out  # a row of the table
    (path,) = (repository / "results").glob("run-*.json")
    (board,) = json.loads(path.read_text())["boards"]
    assert board["notes"]["order"] == ["first", "second"]
    assert {metric["name"]: metric["batches"] for metric in board["metrics"]} == {
        "boot.time": [
            {"values": [1.2], "control": [], "at": []},
            {"values": [1.3, 1.4], "control": [5.0, 6.0], "at": []},
        ],
        "boot.rise": [{"values": [1.0, 2.0, 3.0], "control": [], "at": [1.0, 2.0, 3.0]}],
    }
