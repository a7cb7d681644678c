"""Each fault of the catalogue is one: it changes an answer if it is of behaviour, and none otherwise."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from itertools import cycle

import pytest
from camrig.deploy.compile import check_compiles
from camrig.deploy.contents import upstream_cors
from camrig.prove.behaviour_faults import BEHAVIOUR_FAULTS
from camrig.prove.cost_faults import COST_FAULTS, REQUESTS
from camrig.prove.faulty_copy import Change
from camrig.prove.harmless_changes import HARMLESS_CHANGES
from camrig.prove.trial import CATALOGUE

from tests_unit.conftest import ROOT
from tests_unit.prove.oracle import answers, changed_answer

LIBRARIES = {"ours": ROOT / "lib/microdot/cors.py", "Microdot's": upstream_cors()}
SAMPLE = 6  # every sixth fault: camrig prove tries all of them, and misses one that changes nothing
SOURCES = {name: path.read_text() for name, path in LIBRARIES.items()}


@cache
def expected(library):
    """The answers of the library as it is."""
    return asyncio.run(answers(SOURCES[library]))


@pytest.fixture(autouse=True)
def _silent(capsys):
    """Microdot prints the traceback of the broken route."""


def test_the_catalogue_is_as_large_as_documented():
    assert len(BEHAVIOUR_FAULTS) >= 60
    assert len(COST_FAULTS) >= 50
    assert len(HARMLESS_CHANGES) >= 20
    assert len({fault.name for fault in CATALOGUE}) == len(CATALOGUE)


def test_each_cost_is_put_on_each_kind_of_request():
    for kind in ("time", "bytes", "leaks"):
        requests = set(REQUESTS) - ({"the first request"} if kind == "leaks" else set())  # what is left once is bytes
        names = [fault.name for fault in COST_FAULTS if fault.kind == kind]
        assert all(any(name.endswith(request) for name in names) for request in requests)


def test_each_parameter_of_the_policy_has_faults():
    """The rows of the table in docs/cors.md."""
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/cors.md").read_text(), re.MULTILINE)
    names = " ".join(fault.name.replace("-", "_") for fault in BEHAVIOUR_FAULTS)
    assert len(table) >= 6
    for parameter in table:
        assert parameter in names


@pytest.mark.parametrize("fault", BEHAVIOUR_FAULTS[::SAMPLE], ids=lambda fault: fault.name)
def test_each_behaviour_fault_changes_an_answer(fault):
    answer, _ = asyncio.run(changed_answer(fault.change.applied(SOURCES["ours"]), expected("ours")))
    assert answer[0] or "recurse" in fault.name, "the fault itself fails"
    assert fault.words
    re.compile(fault.words)


@pytest.mark.parametrize(
    ("fault", "library"),
    list(zip(HARMLESS_CHANGES, cycle(LIBRARIES), strict=False)),
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_no_harmless_change_changes_an_answer(library, fault):
    changed = fault.change.applied(SOURCES[library])
    assert asyncio.run(changed_answer(changed, expected(library))) is None


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("fault", COST_FAULTS[::36], ids=lambda fault: fault.name)
def test_no_cost_fault_changes_an_answer(library, fault):
    for change in (fault.change, fault.baseline or Change()):
        assert asyncio.run(changed_answer(change.applied(SOURCES[library]), expected(library))) is None


def test_every_copy_compiles_for_the_board(tmp_path):
    path = tmp_path / "cors.py"
    for fault, library in zip(CATALOGUE, cycle(LIBRARIES), strict=False):
        path.write_text(fault.change.applied(SOURCES[library]))
        check_compiles(path)
