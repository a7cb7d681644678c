"""The library is set up by its constructor, serves several applications, and gives its headers by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from camrig.probe.agent import SIDE_HEADER
from cors_expectation import NOTHING, ORIGINS, PAGE, STRANGER, Cors, Exchange, expect_all, expect_cors

pytestmark = pytest.mark.functional

SIDE = "side"  # requests with this header go to the application that a test makes
ALLOWED = Cors(origin=PAGE, vary="Origin")
GRANTED = Cors(origin=PAGE, methods="GET", vary="Origin")
MAKE = """
from microdot import Microdot
from rig_agent_parts import add_side
CORS = type(app.cors)
side = Microdot()
side.get("/open")(lambda request: "open")
{setup}
side.cors = cors
add_side(agent, "side", side)
"""


@pytest.fixture
def setups():
    """The sources of the applications that a test has made."""
    return []


@pytest.fixture
def make(dut, setups):
    """Make an application ``side`` with ``cors``, by the given source, beside the one on the board."""

    def application(setup: str) -> None:
        setups.append(setup)
        dut.agent.run(MAKE.format(setup=setup))

    return application


@pytest.fixture(scope="module", autouse=True)
def sides(dut):
    yield
    dut.agent.run("agent.sides.clear()")


@pytest.fixture
def ask(dut, setups):
    """Make an exchange with the application ``side``; ``requested``: the method of a preflight request."""

    def exchange(target="/open", origin=PAGE, method="GET", requested=None, names=None):
        headers = [(SIDE_HEADER, SIDE)]
        headers += [("Origin", origin)] if origin is not None else []
        if requested:
            method, headers = "OPTIONS", [*headers, ("Access-Control-Request-Method", requested)]
        headers += [("Access-Control-Request-Headers", names)] if names else []
        return Exchange({"application": setups[-1]}, method, target, headers, dut.request(method, target, headers))

    return exchange


CONSTRUCTED = {
    "nothing": ("", None, None),
    "origins": (f"allowed_origins={ORIGINS!r}", ALLOWED, GRANTED),
    "a string": (f"allowed_origins={PAGE!r}", ALLOWED, GRANTED),
    "part of a longer string": (f"allowed_origins={PAGE + '.evil'!r}", None, None),
    "any": ("allowed_origins='*'", ALLOWED, GRANTED),
    "any, with credentials": (
        "allowed_origins='*', allow_credentials=True",
        Cors(origin="*", credentials="true"),
        Cors(origin="*", credentials="true", methods="GET"),
    ),
    "max_age of zero": (f"allowed_origins=[{PAGE!r}], max_age=0", ALLOWED, replace(GRANTED, max_age="0")),
    "everything": (
        f"allowed_origins=[{STRANGER!r}, {PAGE!r}], allow_credentials=True, allowed_methods=['get', 'put'],"
        " expose_headers=['X-Frame'], allowed_headers=['X-One'], max_age=60",
        Cors(origin=PAGE, credentials="true", expose="X-Frame", vary="Origin"),
        Cors(PAGE, "true", "GET", None, "60", "X-Frame", "Origin"),
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_constructor_sets_the_policy(make, ask, name):
    arguments, actual, preflight = CONSTRUCTED[name]
    make(f"cors = CORS(side, {arguments})")
    expect_all([(ask(), actual or NOTHING, 200), (ask(requested="GET"), preflight or NOTHING, 204)])


@pytest.mark.parametrize("names", ["'X-One'", "['X-One']", "['x-one', 'X-TWO']"], ids=["string", "list", "two"])
def test_constructor_takes_names_of_headers_in_any_case(make, ask, names):
    make(f"cors = CORS(side, [{PAGE!r}], allowed_headers={names})")
    expect_cors(
        ask(requested="GET", names="X-ONE,one"), Cors(origin=PAGE, methods="GET", headers="X-ONE", vary="Origin"), 204
    )


def test_library_may_be_initialized_later_and_twice(make, ask):
    make(f"cors = CORS(allowed_origins={ORIGINS!r})\ncors.initialize(side)\ncors.initialize(side)")
    expect_all(
        [
            (ask(), ALLOWED, 200),
            (ask(requested="GET"), GRANTED, 204),
            (ask("/nowhere"), ALLOWED, 404),
            (ask(origin=STRANGER), NOTHING, 200),
            (ask(method="OPTIONS"), ALLOWED, 200),
        ]
    )


def test_headers_by_hand_are_only_on_responses_that_have_them(make, ask):
    make(
        f"cors = CORS(side, {ORIGINS!r}, handle_cors=False)\n"
        "def by_hand(request):\n"
        "    headers = cors.get_cors_headers(request)\n"
        "    assert all(name.startswith('Access-Control-') for name in headers), headers\n"
        "    headers['X-Frame'] = '7'\n"
        "    return 'hello', 200, headers\n"
        "side.get('/by-hand')(by_hand)"
    )
    exchange = ask("/by-hand")
    expect_all(
        [
            (exchange, ALLOWED, 200),
            (ask("/by-hand", ORIGINS[0]), Cors(origin=ORIGINS[0], vary="Origin"), 200),
            (ask("/by-hand", STRANGER), NOTHING, 200),
            (ask("/by-hand", None), NOTHING, 200),
            (ask(), NOTHING, 200),
            (ask("/nowhere"), NOTHING, 404),
        ]
    )
    assert exchange.response.header("X-Frame") == "7"


def test_caller_may_change_the_headers_that_it_gets(make, ask):
    make(
        f"cors = CORS(side, {ORIGINS!r}, expose_headers=['X-Frame'], max_age=5)\n"
        "def change(request):\n"
        "    headers = cors.get_cors_headers(request)\n"
        "    for name in list(headers):\n"
        "        headers[name] = 'changed'\n"
        "    headers['Access-Control-Allow-Private-Network'] = 'true'\n"
        "    return 'changed'\n"
        "side.get('/change')(change)\n"
        "side.route('/change', methods=['OPTIONS'])(change)"
    )
    actual = Cors(origin=PAGE, expose="X-Frame", vary="Origin")
    preflight = Cors(origin=PAGE, expose="X-Frame", vary="Origin", methods="PUT", headers="x-one", max_age="5")
    ask("/change", requested="PUT", names="x-one")
    expect_all(
        [
            (ask("/change"), actual, 200),
            (ask(), actual, 200),
            (ask(requested="PUT", names="x-one"), preflight, 204),
        ]
    )


def test_preflights_are_answered_without_an_options_handler(make, ask):
    make(f"cors = CORS(side, {ORIGINS!r}, allowed_methods=['GET'])\nside.options_handler = None")
    expect_all(
        [
            (ask(requested="GET"), GRANTED, 204),
            (ask(requested="PUT"), ALLOWED, 204),
            (ask("/nowhere", requested="GET"), GRANTED, 204),
            (ask(origin=STRANGER, requested="GET"), NOTHING, 204),
            (ask(), ALLOWED, 200),
        ]
    )


def test_options_route_of_the_application_answers_with_cors_headers(make, ask):
    make(
        f"cors = CORS(side, {ORIGINS!r})\n"
        "side.options_handler = None\n"
        "side.route('/own', methods=['OPTIONS'])(lambda request: ('own', 200, {'X-Frame': '7'}))"
    )
    exchange = ask("/own", requested="GET")
    expect_all([(exchange, GRANTED, 200), (ask("/own", STRANGER, requested="GET"), NOTHING, 200)])
    assert (exchange.response.body, exchange.response.header("X-Frame")) == (b"own", "7")


def test_mounted_application_has_the_headers_of_the_outer_one(make, ask):
    make(
        f"cors = CORS(side, {ORIGINS!r})\n"
        "inner = Microdot()\n"
        "inner.get('/open')(lambda request: 'inner')\n"
        "side.mount(inner, url_prefix='/inner')"
    )
    expect_all(
        [
            (ask("/inner/open"), ALLOWED, 200),
            (ask("/inner/open", requested="GET"), GRANTED, 204),
            (ask("/inner/nowhere"), ALLOWED, 404),
            (ask("/inner/open", STRANGER), NOTHING, 200),
        ]
    )


def test_two_objects_allow_what_either_allows(make, ask):
    make(
        f"cors = CORS(side, [{PAGE!r}], expose_headers=['X-First'])\n"
        f"second = CORS(side, [{STRANGER!r}], expose_headers=['X-Second'])"
    )
    expect_all(
        [
            (ask(), Cors(origin=PAGE, expose="X-First", vary="Origin"), 200),
            (ask(origin=STRANGER), Cors(origin=STRANGER, expose="X-Second", vary="Origin"), 200),
            (ask(origin=ORIGINS[0]), NOTHING, 200),
        ]
    )


def test_one_object_serves_two_applications(make, ask, dut, policy, send, send_preflight):
    policy()
    make("cors = app.cors\ncors.initialize(side)\nside.delete('/open')(lambda request: 'deleted')")
    options, usual = ask(method="OPTIONS"), send("OPTIONS")
    try:
        expect_all(
            [
                (ask(), ALLOWED, 200),
                (ask(requested="DELETE"), Cors(origin=PAGE, methods="DELETE", vary="Origin"), 204),
                (ask("/api/status"), ALLOWED, 404),
                (options, ALLOWED, 200),
                (usual, ALLOWED, 200),
                (send(), ALLOWED, 200),
                (send_preflight(), GRANTED, 204),
            ]
        )
        assert "DELETE" in options.response.header("Allow")
        assert "DELETE" not in usual.response.header("Allow")
    finally:
        dut.agent.run("app.cors.initialize(app)\nagent.sides.clear()")
