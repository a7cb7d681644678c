"""A change of the policy on the running server is in force from the next response on."""

from __future__ import annotations


def test_changed_origins_are_in_force(preflight, policy, page, stranger):
    policy()
    assert preflight(page).header("Access-Control-Allow-Origin") == page
    policy(allowed_origins=[stranger])
    assert preflight(page).header("Access-Control-Allow-Origin") is None
    assert preflight(stranger).header("Access-Control-Allow-Origin") == stranger


def test_changed_methods_headers_and_max_age_are_in_force(preflight, policy, page):
    policy(allowed_methods=["GET"], allowed_headers=["x-one"], max_age=5)
    before = preflight(page, "GET", ("x-one", "x-two"))
    assert before.header("Access-Control-Allow-Headers") == "x-one"
    assert before.header("Access-Control-Max-Age") == "5"
    policy(allowed_methods=["PUT"], allowed_headers=["X-Two"], max_age=6)
    after = preflight(page, "PUT", ("x-one", "x-two"))
    assert after.header("Access-Control-Allow-Methods") == "PUT"
    assert after.header("Access-Control-Allow-Headers") == "x-two"
    assert after.header("Access-Control-Max-Age") == "6"


def test_changed_credentials_are_in_force(preflight, policy, page):
    policy(allow_credentials=True)
    assert preflight(page).header("Access-Control-Allow-Credentials") == "true"
    policy(allow_credentials=False)
    assert preflight(page).header("Access-Control-Allow-Credentials") is None


def test_policy_in_force_can_be_read_back(dut, policy, page):
    policy(max_age=7)
    assert dut.policy()["max_age"] == 7
    assert dut.policy()["allowed_origins"] == [page]
