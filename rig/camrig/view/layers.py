"""One line for each layer between a page and a board: does it let the page through, why not, and what to do.

A browser never gives a script the reason. It is found by what both got: the page in its browser, and this computer
with the same requests, whose answers the Fetch standard judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from camrig.redaction import presentable
from camrig.view.cookies import kept_home, name_of
from camrig.view.features import OWN_HEADER, Feature, features
from camrig.view.observation import Observation, Outcome
from camrig.view.reading import Judgement, Reading
from camrig.view.status import sockets

OPEN, BLOCKED, NOTE, UNTRIED = "open", "blocked", "note", "untried"
# For requests from other address spaces; the older name is that of both, in browsers that had but one.
PERMISSIONS = {"loopback": "loopback-network", "local": "local-network"}
OLDER_PERMISSION = "local-network-access"
MISSING = ("denied", "prompt")  # states of a permission
FAILURE = Outcome(False, "not tried")


@dataclass(frozen=True)
class Line:
    """``state`` is one of the four above; ``code`` is to be written into the application's policy."""

    key: str
    layer: str
    state: str
    text: str
    advice: str = ""
    code: str = ""


def lines(origin: str, reading: Reading, seen: Observation) -> list[Line]:
    """The layers in the order in which a request meets them."""
    layers = [_reachable(reading, seen), _local_network(origin, reading, seen), _mixed_content(origin, reading, seen)]
    cors = [_cors(feature, origin, reading, seen) for feature in features(origin) if feature.key != "credentials"]
    return list(_without_repetitions([*layers, *cors, _cookies(origin, reading, seen), _sockets(reading)]))


def _without_repetitions(layers: list[Line]) -> Iterator[Line]:
    """The same advice once."""
    advice: set[tuple[str, str]] = set()
    for line in layers:
        key = line.advice, line.code
        yield replace(line, advice="", code="") if key in advice else line
        advice.add(key)


def _reachable(reading: Reading, seen: Observation) -> Line:
    key, layer = "reachable", "Reachable"
    if seen.reached.ok:
        return Line(key, layer, OPEN, "the browser reaches the board" + _milliseconds(reading))
    if reading.error:
        advice = "check its power, its Wi-Fi and its address; this page goes on trying"
        return Line(key, layer, BLOCKED, f"nothing reaches the board: {presentable(reading.error)}", advice)
    here = f"this computer reaches the board{_milliseconds(reading)}, the browser does not ({_said(seen.reached)})"
    if layer_of_browser(reading, seen):
        return Line(key, layer, BLOCKED, here, "the layer that is crossed below keeps it away")
    advice = "look for a proxy, a VPN or an extension of the browser that takes its requests"
    return Line(key, layer, BLOCKED, here, advice)


def _milliseconds(reading: Reading) -> str:
    return f" in {reading.milliseconds:.0f} ms" if reading.milliseconds else ""


def _said(outcome: Outcome) -> str:
    return presentable(outcome.text) or "no reason was given"


def layer_of_browser(reading: Reading, seen: Observation) -> str:
    """Which layer of the browser keeps it from a board that answers this computer; empty if none is known to."""
    if seen.reached.ok or reading.error:
        return ""
    state = permission(reading.space, seen)[1]
    is_missing = state in MISSING or (not seen.secure and state == "unknown" and reading.space in PERMISSIONS)
    if is_missing and needs_permission(seen):
        return "local-network"
    is_mixed = seen.protocol == "https:" and urlsplit(reading.url).scheme == "http"
    return "mixed-content" if is_mixed and reading.space != "loopback" else ""


def needs_permission(seen: Observation) -> bool:
    """Whether the page may need one: not if it has the most private address itself, and reaches this computer so.

    Then a permission that is missing keeps it from nothing.
    """
    granted = any(seen.permissions.get(name) == "granted" for name in (PERMISSIONS["loopback"], OLDER_PERMISSION))
    return seen.loopback is not True or granted


def permission(space: str, seen: Observation) -> tuple[str, str]:
    """Name and state of the permission that a request to this address space may need: the first that is missing."""
    names = dict.fromkeys([PERMISSIONS.get(space, "local-network"), *PERMISSIONS.values(), OLDER_PERMISSION])
    states = {name: seen.permissions.get(name, "unknown") for name in names}
    return next(((name, state) for name, state in states.items() if state in MISSING), next(iter(states.items())))


def _local_network(origin: str, reading: Reading, seen: Observation) -> Line:
    key, layer = "local-network", "Local network access"
    name, state = permission(reading.space, seen)
    where = f"the board's address is {reading.space}"
    if layer_of_browser(reading, seen) == key:
        if not seen.secure:
            text = f"{where}, and this page is not a secure context, which cannot get the permission {name}"
            return Line(key, layer, BLOCKED, text, "serve the page by https, or open it as http://localhost")
        if state == "prompt":
            text = f"{where}, and the permission {name} is not granted yet"
            return Line(key, layer, BLOCKED, text, "answer the browser's question with Allow, and check again")
        text = f"{where}, and the permission {name} is {state}: no packet leaves the browser"
        advice = "allow it in the site settings, at the left end of the address bar, and reload the page"
        return Line(key, layer, BLOCKED, text, advice)
    if not seen.reached.ok:
        if not needs_permission(seen):
            return Line(key, layer, OPEN, "this page has an address of this computer: it does not apply")
        return Line(key, layer, UNTRIED, f"{where}; the permission {name} is {state}")
    if reading.space not in PERMISSIONS:
        return Line(key, layer, OPEN, f"{where}: it does not apply")
    text = f"{where}, and nothing keeps this page from it"
    if state != "unknown":
        text += f" (permission {name}: {state})"
    return Line(key, layer, OPEN, text, f"a page on the internet has to be https, and is asked to get {name}")


def _mixed_content(origin: str, reading: Reading, seen: Observation) -> Line:
    key, layer = "mixed-content", "Mixed content"
    board = urlsplit(reading.url).scheme
    if layer_of_browser(reading, seen) == key:
        advice = "give fetch() the option targetAddressSpace, use the board's address instead of a name, or https"
        return Line(key, layer, BLOCKED, f"this page is https and the board is {board}", advice)
    if seen.protocol == "https:":
        return Line(key, layer, OPEN if seen.reached.ok else UNTRIED, f"this page is https, the board {board}")
    remark = "this page is http, as the board is"
    return Line(
        key, layer, OPEN, remark, "a page by https may not fetch from http, with exceptions: see docs/cors.md"
    )


def _cors(feature: Feature, origin: str, reading: Reading, seen: Observation) -> Line:
    key, layer = f"cors-{feature.key}", f"CORS: {feature.label}"
    outcome = seen.outcomes.get(feature.key, FAILURE)
    judgement = reading.judgements.get(feature.key) or Judgement(False, why="silent", reason=reading.error)
    if outcome.ok:
        answered = f", which was answered with status {judgement.status}" if judgement.status >= 400 else ""
        return Line(key, layer, OPEN, f"the page gets the answer{answered}", *_missing(feature, judgement))
    if not seen.reached.ok or judgement.why == "silent":
        return Line(key, layer, UNTRIED, "the browser gets no answer from the board", "see the lines above")
    if not judgement.allowed:
        return Line(key, layer, BLOCKED, presentable(judgement.reason), *cure(judgement, feature, origin))
    if outcome == FAILURE:  # it might change something on this board, so that only its preflight was sent
        return Line(key, layer, OPEN, "the answer to its preflight request allows it; it was not sent itself")
    if judgement.status >= 400:
        text = f"the board answers with status {judgement.status}, and the page may read that"
        return Line(key, layer, NOTE, text, *_missing(feature, judgement))
    text = f"the browser refuses what the answer's headers allow ({_said(outcome)})"
    return Line(key, layer, BLOCKED, text, "look at the console of the browser: it names the reason")


def _missing(feature: Feature, judgement: Judgement) -> tuple[str, ...]:
    if judgement.status == 404:
        return (f"this application has no {feature.path}",)
    return ("the camera has no picture: see its status",) if judgement.status == 503 else ()


def cure(judgement: Judgement, feature: Feature, origin: str) -> tuple[str, str]:
    """What to do about a refusal, and what to write into the policy."""
    method = feature.request.sent_method
    methods, headers = f'allowed_methods=["{method}"]', f'allowed_headers=["{OWN_HEADER}"]'
    codes = {
        "origins": ("let this page's origin in, beside those of the policy", f'allowed_origins=["{origin}"]'),
        "credentials": ("let pages send cookies; the policy then has to list its origins", "allow_credentials=True"),
        "methods": ("add the method to those of the policy, or leave the parameter out", methods),
        "headers": ("add the header to those of the policy, or leave the parameter out", headers),
        "methods or headers": (
            "add both to those of the policy, or leave the parameters out",
            f"{methods}, {headers}",
        ),
        "status": (f"answer it with a status from 200 to 299, not {judgement.status}", ""),
        "malformed": ("send lists of names in Access-Control-Allow-Methods and -Headers", ""),
    }
    return codes.get(judgement.why, ("", ""))


def _cookies(origin: str, reading: Reading, seen: Observation) -> Line:
    key, layer = "cookies", "Cookies"
    feature = next(feature for feature in features(origin) if feature.key == "credentials")
    judgement = reading.judgements.get(feature.key, Judgement(False, why="silent"))
    outcome = seen.outcomes.get(feature.key, FAILURE)
    if not seen.reached.ok or judgement.why == "silent":
        return Line(key, layer, UNTRIED, "the browser gets no answer from the board", "see the lines above")
    homely = list(_homely(origin, reading))
    refused = "" if outcome.ok else f"{presentable(judgement.reason) or _said(outcome)}"
    if not reading.cookies:
        text = "the board sets none" + (f"; a request with cookies would be refused: {refused}" if refused else "")
        return Line(key, layer, NOTE, text, "one without SameSite stays home: see docs/cors.md")
    if homely:
        advice = "send a token in a header instead; SameSite=None needs Secure, and that https"
        return Line(key, layer, BLOCKED, "; ".join(homely), advice)
    if refused:
        return Line(key, layer, BLOCKED, refused, *cure(judgement, feature, origin))
    return Line(key, layer, OPEN, f"{len(reading.cookies)} of the board may come with a request of this page")


def _homely(origin: str, reading: Reading) -> Iterator[str]:
    for cookie in reading.cookies:
        if reason := kept_home(cookie, origin, reading.url):
            yield f"{presentable(name_of(cookie))[:40] or 'one without a name'}: {reason}"


def _sockets(reading: Reading) -> Line:
    key, layer = "sockets", "Sockets"
    if reading.error:
        return Line(key, layer, UNTRIED, "the board does not answer")
    counts = sockets(reading.status)
    if counts is None:
        return Line(key, layer, NOTE, "the board does not say how many connections it has")
    used, most = counts
    text = f"{used} of {most} connections in use, the one of this question included"
    if used >= most:
        return Line(
            key, layer, BLOCKED, text, "close other pages that show its stream: whoever comes next has to wait"
        )
    return Line(key, layer, OPEN, text)
