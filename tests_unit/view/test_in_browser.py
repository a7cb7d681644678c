"""The page in Chromium: each cross beside the browser's own reason, and boards that go away and come back."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from camrig.deadline import Deadline
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.page import Page
from camrig.view.cookies import kept_home
from camrig.view.server import PageServer

from tests_unit import chromium
from tests_unit.device.conftest import free_port
from tests_unit.view.cameras import ALLOWED, GRANTED, HOSTILE, Behaviour, Camera

SECONDS = 90.0
TRIED = """() => new Promise((resolve) => {
  const wait = () => Number(document.body.dataset.tried) >= COUNT ? resolve(shown()) : setTimeout(wait, 20);
  const shown = () => Object.fromEntries([...document.querySelectorAll("#layers li")].map((line) =>
    [line.dataset.key, [line.className.slice(3), line.innerText]]));
  wait();
})"""
WAIT = "new Promise((resolve) => { const f = () => TEST ? resolve() : setTimeout(f, 20); f(); })"


UNASKED = (6666, 6667, 6668, 6669, 6665, 6000, 6566, 10080, 5060, 5061)  # of the Fetch standard's "bad ports"


def camera_at(ports: tuple[int, ...]) -> Camera:
    """A camera at the first of these ports that is free."""
    for port in ports:
        with suppress(OSError):
            return Camera(Behaviour(), port)
    pytest.skip("no port that browsers do not ask is free")


@dataclass
class Desk:
    """One browser, three cameras, and two pages.

    The browser takes the address of ``public`` for a public one, and that of ``local`` for one of the local network.
    It does not ask the port of ``unasked``.
    """

    browser: Browser
    camera: Camera
    server: PageServer
    public: PageServer
    local: Camera
    unasked: Camera

    def open(self, server: PageServer, behaviour: Behaviour, camera: Camera | None = None) -> Page:
        camera = camera or self.camera
        camera.behaviour, server.url = behaviour, camera.url
        return self.browser.page(server.origin, Deadline.after(SECONDS))


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    camera, server, public = Camera(Behaviour()), PageServer(0, "a camera"), PageServer(0, "a camera")
    local, unasked = Camera(Behaviour()), camera_at(UNASKED)
    for each in (server, public):
        each.start()
    spaces = f"127.0.0.1:{public.server_port}=public,{local.url.removeprefix('http://')}=local"
    try:
        with Browser(Path(chromium.browser()), [f"--ip-address-space-overrides={spaces}"]) as browser:
            yield Desk(browser, camera, server, public, local, unasked)
    finally:
        for each in (camera, local, unasked):
            each.off()
        server.close()
        public.close()


def tried(page: Page, count: int = 1) -> dict[str, Any]:
    """State and text of each line, once the layers were tried ``count`` times."""
    shown = page.evaluate_function(TRIED.replace("COUNT", str(count)), deadline=Deadline.after(SECONDS))
    return {key: (state, text) for key, (state, text) in shown.items()}


def wait_for(page: Page, test: str) -> None:
    page.evaluate(WAIT.replace("TEST", test), Deadline.after(SECONDS))


def reasons(page: Page, camera: Camera) -> set[str]:
    """Chromium's own codes of all that failed towards the camera, but for what the page gave up."""
    own = (made for made in page.network.decisions if made.exchanges[0].url.startswith(camera.url))
    return {made.reason or made.failure for made in own} - {"", "net::ERR_ABORTED"}


ALL = Behaviour(headers=ALLOWED, preflight=GRANTED)
FEATURES = ("cors-status", "cors-picture", "cors-stream", "cors-header", "cors-put")


@pytest.mark.parametrize(
    ("behaviour", "crossed", "codes", "words"),
    [
        (ALL, (), {"WildcardOriginNotAllowed"}, ""),
        (
            Behaviour(),
            FEATURES,
            {"MissingAllowOriginHeader", "PreflightMissingAllowOriginHeader"},
            "allowed_origins=",
        ),
        (
            replace(ALL, preflight_status=404),
            ("cors-header", "cors-put"),
            {"WildcardOriginNotAllowed", "PreflightInvalidStatus"},
            "not 404",
        ),
        (
            replace(ALL, preflight={**GRANTED, "Access-Control-Allow-Methods": "GET"}),
            ("cors-put",),
            {"WildcardOriginNotAllowed", "MethodDisallowedByPreflightResponse"},
            'allowed_methods=["PUT"]',
        ),
        (
            replace(ALL, preflight={**GRANTED, "Access-Control-Allow-Headers": "X-Other"}),
            ("cors-header", "cors-put"),
            {"WildcardOriginNotAllowed", "HeaderDisallowedByPreflightResponse"},
            'allowed_headers=["X-Camrig-View"]',
        ),
    ],
)
def test_what_chromium_refuses_is_crossed_with_its_cure(desk, behaviour, crossed, codes, words):
    page = desk.open(desk.server, behaviour)
    layers = tried(page)
    assert [key for key, (state, _) in layers.items() if state == "blocked"] == list(crossed)
    assert [key for key in FEATURES if layers[key][0] == "open"] == [key for key in FEATURES if key not in crossed]
    assert reasons(page, desk.camera) == codes
    assert words in "".join(text for _, text in layers.values())
    assert not page.evaluate("document.querySelectorAll('#status img, #layers img').length", Deadline.after(SECONDS))
    assert HOSTILE in page.evaluate("document.getElementById('status').innerText", Deadline.after(SECONDS))
    page.close()


def test_cookies_that_chromium_keeps_home_are_named(desk):
    origin = {"Access-Control-Allow-Origin": desk.server.origin, "Access-Control-Allow-Credentials": "true"}
    page = desk.open(desk.server, replace(ALL, headers={**origin, "Set-Cookie": "session=1"}))
    state, text = tried(page)["cookies"]
    assert (state, "Lax by default" in text) == ("blocked", True)
    sent = [dict(exchange.sent) for exchange in page.network.exchanges if "/api/status" in exchange.url]
    assert sent
    assert not any("Cookie" in headers or "cookie" in headers for headers in sent)
    page.close()


def test_local_network_access_is_the_layer_until_it_is_granted(desk):
    desk.browser.set_permission("loopback-network", "denied", desk.public.origin)
    page = desk.open(desk.public, ALL)
    layers = tried(page)
    assert {key for key, (state, _) in layers.items() if state == "blocked"} == {"reachable", "local-network"}
    assert "loopback-network is denied" in layers["local-network"][1]
    assert reasons(page, desk.camera) == {"LocalNetworkAccessPermissionDenied"}
    desk.browser.set_permission("loopback-network", "granted", desk.public.origin)
    page.evaluate("document.getElementById('again').click()", Deadline.after(SECONDS))
    layers = tried(page, 2)
    assert {state for key, (state, _) in layers.items() if key in ("reachable", "local-network", *FEATURES)} == {
        "open"
    }
    page.close()


def test_a_board_declared_local_needs_a_permission_of_a_public_page(desk):
    for name in ("local-network", "loopback-network"):
        desk.browser.set_permission(name, "granted", desk.public.origin)
    desk.browser.set_permission("local-network", "denied", desk.public.origin)
    desk.browser.set_permission("local-network", "denied", desk.server.origin)
    page = desk.open(desk.public, ALL, desk.local)
    layers = tried(page)
    assert {key for key, (state, _) in layers.items() if state == "blocked"} == {"reachable", "local-network"}
    assert "the permission local-network is denied" in layers["local-network"][1]
    assert reasons(page, desk.local) == {"LocalNetworkAccessPermissionDenied"}
    page.close()
    page = desk.open(desk.server, ALL, desk.local)
    layers = tried(page)
    assert {layers[key][0] for key in ("reachable", "local-network", *FEATURES)} == {"open"}
    page.close()
    desk.browser.set_permission("local-network", "granted", desk.server.origin)


def test_a_page_of_this_computer_is_not_kept_away_by_a_permission(desk):
    """What else keeps a browser from a board that answers this computer: here its port, which browsers do not ask."""
    desk.browser.set_permission("loopback-network", "prompt", desk.server.origin)
    page = desk.open(desk.server, ALL, desk.unasked)
    layers = tried(page)
    assert {key for key, (state, _) in layers.items() if state == "blocked"} == {"reachable"}
    assert "it does not apply" in layers["local-network"][1]
    assert reasons(page, desk.unasked) == {"net::ERR_UNSAFE_PORT"}
    page.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(
    "attributes",
    ["", "; SameSite=Lax", "; SameSite=Strict", "; SameSite=None", "; SameSite=None; Secure", "; Secure"],
)
def test_chromium_sends_the_cookies_that_are_not_kept_home(desk, host, attributes):
    origin = {"Access-Control-Allow-Origin": desk.server.origin, "Access-Control-Allow-Credentials": "true"}
    page = desk.browser.page("about:blank", Deadline.after(SECONDS))
    page.call("Network.clearBrowserCookies")
    page.call("Page.setBypassCSP", {"enabled": True})
    page.open(f"{desk.server.origin}/view.css", Deadline.after(SECONDS))
    desk.camera.behaviour = Behaviour(headers={**origin, "Set-Cookie": f"id=1{attributes}"})
    url = desk.camera.url.replace("127.0.0.1", host)
    for path in ("/first", "/again"):
        script = "url => fetch(url, {credentials: 'include'}).then(response => response.text())"
        assert page.evaluate_function(script, url + path, deadline=Deadline.after(SECONDS))
    (again,) = page.decision(f"{url}/again", Deadline.after(SECONDS)).exchanges
    was_sent = "cookie" in {name.lower() for name, _ in again.sent}
    may_come = not kept_home(f"id=1{attributes}", desk.server.origin, url)
    # Between two sites the browser may also block all cookies, by a setting that no page knows.
    assert was_sent == may_come if host == "localhost" else was_sent <= may_come
    page.close()


def test_a_board_that_goes_away_is_said_and_comes_back(desk):
    page = desk.open(desk.server, ALL)
    tried(page)
    wait_for(page, "lastUptime === 100")
    desk.camera.off()
    wait_for(page, "document.querySelector('.stale')")
    wait_for(page, "document.getElementById('notice').innerText.includes('does not answer')")
    assert tried(page, 2)["reachable"][0] == "blocked"
    desk.camera.on()
    desk.camera.behaviour = replace(ALL, status={"uptime_s": 1})
    wait_for(page, "document.getElementById('notice').innerText.includes('has restarted')")
    assert tried(page, 3)["reachable"][0] == "open"
    wait_for(page, "!document.querySelector('.stale') && hasPicture")
    page.close()


def test_pictures_one_by_one_stand_in_for_a_stream(desk):
    page = desk.open(desk.server, replace(ALL, missing=("/stream",)))
    assert "this application has no /stream" in tried(page)["cors-stream"][1]
    wait_for(page, "document.getElementById('picture').src.includes('/capture')")
    wait_for(page, "document.getElementById('caption').innerText.startsWith('1 × 1')")
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_window(desk, width):
    page = desk.browser.page("about:blank", Deadline.after(SECONDS))
    page.resize(width, 900)
    desk.camera.behaviour = Behaviour()
    page.open(desk.server.origin, Deadline.after(SECONDS))
    tried(page)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth", Deadline.after(SECONDS)) == 0
    assert not [line for line in page.console if "exception" in line or "Content Security Policy" in line]
    page.close()


def test_a_virtual_board_shows_its_picture_and_passes_every_layer(desk, run):
    port, shown = free_port(), {}

    def look(process: subprocess.Popen[str]) -> None:
        page = desk.browser.page(f"http://localhost:{port}", Deadline.after(SECONDS))
        shown.update(tried(page))
        wait_for(page, "document.body.dataset.firstPicture")
        shown["ms"] = page.evaluate("Number(document.body.dataset.firstPicture)", Deadline.after(SECONDS))
        shown["status"] = page.evaluate("document.getElementById('status').innerText", Deadline.after(SECONDS))
        page.close()
        process.send_signal(signal.SIGINT)

    ended = run("camrig", "view", "--allow", "--page-port", str(port), when=("Ctrl-C ends it", look))
    assert ended.code == 0, ended.out
    assert {shown[key][0] for key in ("reachable", "local-network", "mixed-content", *FEATURES, "sockets")} == {
        "open"
    }
    assert shown["ms"] < 10_000  # 2 s where nothing else runs
    assert "sensor.synthetic" in shown["status"]
    assert ended.left_running() == []
