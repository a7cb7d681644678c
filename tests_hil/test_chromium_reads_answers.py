"""In Chromium, allowed pages read statuses, exposed headers and redirected answers; others read nothing."""

from __future__ import annotations

import pytest
from browser_cells import Ask, policies
from browser_meaning import ALLOWED, BLOCKED, readable
from camrig.probe.browser.page_server import CLOSED, LOCALHOST, LOOPBACK, OPEN, PAGES, SANDBOX
from routes import extra_routes

pytestmark = pytest.mark.functional

HEADERS = {
    "X-Frame": "7",
    "X-Zoom": "2",
    "ETag": '"7"',
    "Cache-Control": "no-cache",
    "Content-Language": "de",
    "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
    "Set-Cookie": "a=1; Path=/suite",
}
EXPOSED = {
    "nothing exposed": None,
    "one exposed": ["X-Frame"],
    "several exposed": ["x-frame", "ETag", "X-Missing"],
    "a string exposed": "X-Zoom",
    "a secret exposed": ["Set-Cookie", "X-Zoom"],
    "all exposed": ["*"],
}
STATUSES = (201, 204, 206, 400, 401, 402, 403, 409, 429, 451, 501, 503)
# Beside these, whose answers an application does not make itself.
ERRORS = {
    "404": Ask("error", path="/nowhere"),
    "404 to a PUT": Ask("error", method="PUT", path="/nowhere", label="404"),
    "405": Ask("error", method="POST", body="", path="/capture"),
    "413": Ask("error", method="POST", body="x" * 17_000, path="/suite/plain", label="17 kB"),
    "500": Ask("error", path="/suite/raise"),
    "503": Ask("error", path="/suite/lens"),
    "418": Ask("error", path="/suite/abort"),
}
REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture(scope="module", autouse=True)
def routes(dut, tabs):
    """The redirects that leave the board lead to the server of the pages."""
    away = {f"away{number}": ("", 302, {"Location": url}) for number, url in enumerate(_away(tabs.server.origin))}
    replies = {f"s{status}": ("" if status == 204 else "short", status, {}) for status in STATUSES}
    with extra_routes(dut, plain=("short", 200, HEADERS), **replies, **away):
        yield


def _away(origin) -> dict[str, str]:
    """Where redirects may lead, and what the page sees there. A page's own origin is another one by then."""
    return {
        origin(LOOPBACK) + OPEN: ALLOWED,
        origin(LOOPBACK) + CLOSED: BLOCKED,
        origin(LOCALHOST) + OPEN: ALLOWED,
        origin(LOCALHOST) + CLOSED: BLOCKED,
        "data:text/plain,short": BLOCKED,
        "http://user:secret@127.0.0.1:1/": BLOCKED,
    }


@pytest.mark.parametrize("name", EXPOSED)
def test_page_reads_only_the_exposed_headers(judge, policy, name):
    values = policy(
        allowed_origins=[judge.origin(LOCALHOST), SANDBOX], allow_credentials=True, expose_headers=EXPOSED[name]
    )

    def check(verdict):
        present = frozenset(header.lower() for header, _ in verdict.answer.decision.exchanges[-1].received)
        seen = frozenset(header.lower() for header, _ in verdict.answer.seen["headers"])
        if seen != (means := readable(values, present, verdict.ask.credentials == "include")):
            wrong = ", ".join(sorted(seen ^ means))
            verdict.fail(f"the page reads {', '.join(sorted(seen))}: {wrong} is not as the policy means")

    asks = [
        Ask("exposed", page, path="/suite/plain", credentials=mode) for page in PAGES for mode in ("omit", "include")
    ]
    judge.judge(name, values, asks, check)


@pytest.mark.parametrize("name", ["listed", "any origin"])
def test_page_reads_the_status_of_each_answer(judge, policy, name):
    def check(verdict):
        status = verdict.answer.seen["status"]
        if status != wanted[verdict.ask]:
            verdict.fail(f"the page reads the status {status} where the board sent {wanted[verdict.ask]}")

    wanted = {ask: int(status.split()[0]) for status, ask in ERRORS.items()}
    for status in STATUSES:
        wanted[Ask("error", path=f"/suite/s{status}")] = status
    for page in (LOOPBACK, SANDBOX):
        wanted[Ask("error", page, path="/nowhere")] = 404
    judge.judge(name, policy(**policies(judge.origin)[name][0]), wanted, check)


@pytest.mark.parametrize("name", ["listed", "any origin", "no headers", "methods", "no methods", "other origins"])
def test_page_follows_redirects_as_the_policy_means(judge, policy, name):
    def check(verdict):
        if not verdict.answer.seen["redirected"]:
            verdict.fail("the page reads an answer that is not the redirected one")

    header = (("X-One", "1"),)
    asks = [
        *(Ask("redirect", method=method, path=f"/suite/to{to}") for to in REDIRECTS for method in ("GET", "POST")),
        *(Ask("redirect", headers=header, label="X-One", path=f"/suite/to{to}") for to in (302, 307)),
        *(Ask("redirect", page, path="/suite/to302") for page in (LOOPBACK, SANDBOX)),
        Ask("redirect", path="/suite/loop", leads_to=BLOCKED),
        *(
            Ask("redirect", path=f"/suite/away{number}", leads_to=leads_to, label=f"to {url}")
            for number, (url, leads_to) in enumerate(_away(judge.origin).items())
        ),
    ]
    judge.judge(name, policy(**policies(judge.origin)[name][0]), asks, check)
