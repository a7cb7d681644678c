"""A preflight from an allowed page is answered in full, one from a stranger without any CORS header."""

from __future__ import annotations

import pytest
import requests


def send_preflight(http, origin, method="GET", headers=None, path="/api/status") -> requests.Response:
    sent = {"Access-Control-Request-Method": method}
    if origin is not None:
        sent["Origin"] = origin
    if headers is not None:
        sent["Access-Control-Request-Headers"] = headers
    return http.options(path, headers=sent)


def cors_headers(response: requests.Response) -> set[str]:
    return {name.lower() for name in response.headers if name.lower().startswith("access-control-")}


def test_allowed_origin_gets_204_and_its_own_origin(http, policy, page):
    policy()
    answer = send_preflight(http, page)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.headers["Access-Control-Allow-Methods"] == "GET"
    assert "Origin" in answer.headers["Vary"]


def test_preflight_status_can_be_200(http, policy, page):
    policy(preflight_status=200)
    assert send_preflight(http, page).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://stranger.example",
        "http://panel.example",
        "https://panel.example:8443",
        "https://panel.example/",
        "https://PANEL.example",
        "https://panel.exampl",
        "https://panel.example.evil.example",
        "null",
        None,
    ],
    ids=str,
)
def test_other_origins_get_no_cors_header(http, policy, origin):
    policy()
    answer = send_preflight(http, origin)
    assert answer.status_code == (204 if origin else 200)  # without an origin it is not a preflight
    assert cors_headers(answer) == set()


@pytest.mark.parametrize("origins", [None, []], ids=["no list", "empty list"])
def test_without_listed_origins_none_is_allowed(http, policy, page, origins):
    policy(allowed_origins=origins)
    assert cors_headers(send_preflight(http, page)) == set()


def test_any_origin_is_reflected_with_vary(http, policy, stranger):
    policy(allowed_origins="*")
    answer = send_preflight(http, stranger)
    assert answer.headers["Access-Control-Allow-Origin"] == stranger
    assert "Origin" in answer.headers["Vary"]


def test_only_the_requested_method_is_named(http, policy, page):
    policy(allowed_methods=["get", "PUT"])
    assert send_preflight(http, page, "PUT").headers["Access-Control-Allow-Methods"] == "PUT"


def test_refused_method_gets_no_methods_headers_or_max_age(http, policy, page):
    policy(allowed_methods=["GET"], max_age=600)
    answer = send_preflight(http, page, "DELETE", "x-frame")
    assert answer.status_code == 204
    assert cors_headers(answer) == {"access-control-allow-origin"}


def test_methods_keep_the_case_that_fetch_sends(http, policy, page):
    policy()
    assert send_preflight(http, page, "patch").headers["Access-Control-Allow-Methods"] == "patch"
    assert send_preflight(http, page, "put").headers["Access-Control-Allow-Methods"] == "PUT"


def test_listed_headers_are_answered_in_the_case_of_the_request(http, policy, page):
    policy(allowed_headers=["X-Frame", "content-type", "authorization"])
    answer = send_preflight(http, page, headers="content-type, X-FRAME, x-other")
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type, X-FRAME"


def test_allow_headers_is_absent_if_no_header_is_listed(http, policy, page):
    policy(allowed_headers=["x-frame"])
    assert "Access-Control-Allow-Headers" not in send_preflight(http, page, headers="x-other, *").headers


def test_without_a_header_list_all_requested_are_allowed(http, policy, page):
    policy()
    assert send_preflight(http, page, headers="x-one,x-two").headers["Access-Control-Allow-Headers"] == "x-one,x-two"


@pytest.mark.parametrize(
    "headers",
    ["bad name, x-good", "x-good, caf\u00e9", "x-good,(comment)"],
    ids=["space", "not ASCII", "comment"],
)
def test_invalid_header_names_are_not_echoed(http, policy, page, headers):
    policy()
    answer = http.options(
        "/api/status",
        headers={
            "Origin": page,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": headers.encode(),
        },
    )
    assert answer.headers["Access-Control-Allow-Headers"] == "x-good"


@pytest.mark.parametrize(("max_age", "expected"), [(None, None), (600, "600"), (0, "0"), (-1, "0")])
def test_max_age_is_sent_if_set(http, policy, page, max_age, expected):
    policy(max_age=max_age)
    assert send_preflight(http, page).headers.get("Access-Control-Max-Age") == expected


def test_listed_origin_may_send_credentials(http, policy, page):
    policy(allow_credentials=True)
    answer = send_preflight(http, page)
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_any_origin_with_credentials_is_not_reflected(http, policy, stranger):
    policy(allowed_origins="*", allow_credentials=True)
    answer = send_preflight(http, stranger)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_options_without_a_requested_method_is_not_a_preflight(http, policy, page):
    policy(max_age=600)
    answer = http.options("/api/status", headers={"Origin": page})
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "OPTIONS"}
    assert cors_headers(answer) == {"access-control-allow-origin"}


def test_private_network_access_is_never_granted(http, policy, page):
    policy()
    answer = http.options(
        "/api/status",
        headers={
            "Origin": page,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Private-Network": "true",
            "Access-Control-Request-Local-Network": "true",
        },
    )
    assert not [name for name in answer.headers if "network" in name.lower()]


@pytest.mark.parametrize("path", ["/api/status", "/capture", "/stream", "/nowhere"])
def test_every_path_answers_preflights(http, policy, page, path):
    policy()
    assert send_preflight(http, page, path=path).headers["Access-Control-Allow-Origin"] == page
