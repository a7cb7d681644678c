"""A preflight from an allowed page is answered in full, one from a stranger gives nothing away."""

from __future__ import annotations

import pytest
import requests


def ask(http, origin, method="GET", headers=None, path="/api/status") -> requests.Response:
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
    answer = ask(http, page)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.headers["Access-Control-Allow-Methods"] == "GET"
    assert "Origin" in answer.headers["Vary"]


def test_preflight_status_can_be_200(http, policy, page):
    policy(preflight_status=200)
    assert ask(http, page).status_code == 200


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
)
def test_other_origins_get_no_cors_header(http, policy, origin):
    policy()
    answer = ask(http, origin)
    assert answer.status_code == (204 if origin else 200)  # without an origin it is no preflight
    assert cors_headers(answer) == set()


@pytest.mark.parametrize("origins", [None, []])
def test_no_list_allows_nobody(http, policy, page, origins):
    policy(allowed_origins=origins)
    assert cors_headers(ask(http, page)) == set()


def test_any_origin_is_reflected_and_varies(http, policy, stranger):
    policy(allowed_origins="*")
    answer = ask(http, stranger)
    assert answer.headers["Access-Control-Allow-Origin"] == stranger
    assert "Origin" in answer.headers["Vary"]


def test_requested_method_alone_is_allowed(http, policy, page):
    policy(allowed_methods=["get", "PUT"])
    assert ask(http, page, "PUT").headers["Access-Control-Allow-Methods"] == "PUT"


def test_refused_method_withholds_methods_headers_and_max_age(http, policy, page):
    policy(allowed_methods=["GET"], max_age=600)
    answer = ask(http, page, "DELETE", "x-frame")
    assert answer.status_code == 204
    assert cors_headers(answer) == {"access-control-allow-origin"}


def test_methods_keep_the_case_that_fetch_gives_them(http, policy, page):
    policy()
    assert ask(http, page, "patch").headers["Access-Control-Allow-Methods"] == "patch"
    assert ask(http, page, "put").headers["Access-Control-Allow-Methods"] == "PUT"


def test_listed_headers_are_allowed_in_the_requests_own_words(http, policy, page):
    policy(allowed_headers=["X-Frame", "content-type", "authorization"])
    answer = ask(http, page, headers="content-type, X-FRAME, x-other")
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type, X-FRAME"


def test_headers_none_of_which_is_listed_are_not_mentioned(http, policy, page):
    policy(allowed_headers=["x-frame"])
    assert "Access-Control-Allow-Headers" not in ask(http, page, headers="x-other, *").headers


def test_without_a_header_list_the_request_is_echoed(http, policy, page):
    policy()
    assert ask(http, page, headers="x-one,x-two").headers["Access-Control-Allow-Headers"] == "x-one,x-two"


@pytest.mark.parametrize("headers", ["bad name, x-good", "x-good, caf\u00e9", "x-good,(comment)"])
def test_what_is_no_token_is_not_echoed(http, policy, page, headers):
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
def test_max_age(http, policy, page, max_age, expected):
    policy(max_age=max_age)
    assert ask(http, page).headers.get("Access-Control-Max-Age") == expected


def test_credentials_are_allowed_to_a_listed_origin(http, policy, page):
    policy(allow_credentials=True)
    answer = ask(http, page)
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_credentials_with_any_origin_never_reflect(http, policy, stranger):
    policy(allowed_origins="*", allow_credentials=True)
    answer = ask(http, stranger)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_options_without_a_requested_method_is_no_preflight(http, policy, page):
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
    assert ask(http, page, path=path).headers["Access-Control-Allow-Origin"] == page
