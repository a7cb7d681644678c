"""A repository made from docs/own-firmware.md is tested, deployed and put into production as its user would do it."""

from __future__ import annotations

import hashlib
import re

import requests

from tests_unit.conftest import ROOT
from tests_unit.docs.cistern import ORIGIN, OUTSIDE, PAGE, WIFI, make_cistern

OURS = {path.name for path in (ROOT / "device").glob("*.py")} - {"main.py", "boot.py"}
OUR_ROUTES = re.findall(r'"(/[a-z/]+)"', (ROOT / "device" / "camera_server.py").read_text())
AGENT = {"/rig_agent.mpy", "/rig_agent_parts.mpy", "/camrig_rig.json"}


def listed(word: str, out: str) -> set[str]:
    """The paths that a dry run lists behind that word."""
    return set(re.findall(rf"^{word} +(\S+)", out, re.MULTILINE))


def assert_as_on_the_page(out: str, repository: str) -> None:
    """The header has the lines of the page, in its order, with the same paths and the same words."""
    lines = PAGE.code("camrig: settings and limits of").splitlines()
    for line in lines:
        expected = re.escape(re.sub(r"\s+", " ", line.strip())).replace("/home/me/panel", re.escape(repository))
        expected = re.sub(r"\\ [0-9a-f]{8}$", " [0-9a-f]{8}", expected).replace("…/cargo/device", r"\S+/device")
        expected = expected.replace("/dev/ttyUSB0", r"\S+")
        if line.split()[0] == "left":
            expected = expected.replace(r"README\.md", rf"docs/plan\.md, {re.escape(repository)}/web/dist/README\.md")
            expected = expected.replace(r"2\ files", r"3\ files")
        shown = [re.sub(r"\s+", " ", text.strip()) for text in out.splitlines()]
        assert any(re.fullmatch(expected, text) for text in shown), (expected, out)


def green_run(run, virtual, repository, *options: str) -> str:
    """What pytest prints of a repository that shares nothing with the camera's application, and passes."""
    assert OURS.isdisjoint(path.name for path in repository.rglob("*"))
    texts = "".join(path.read_text() for path in repository.glob("firmware/app/*.py"))
    assert [route for route in OUR_ROUTES if route in texts] == []
    ended = run("pytest", "--device", virtual.path, *options, env=WIFI, cwd=repository)
    assert ended.code == 0, ended.out
    assert "Correct: 1 test passed." in ended.out
    return ended.out


def test_the_lines_of_the_page_are_tested_and_put_into_production(virtual, run, tmp_path):
    repository = make_cistern(tmp_path)
    out = green_run(run, virtual, repository)
    assert_as_on_the_page(out, str(repository))
    library = hashlib.sha256((repository / "firmware/lib/microdot/cors.py").read_bytes()).hexdigest()
    assert re.search(rf"^  library .* {library[:8]}$", out, re.MULTILINE)
    assert re.search(rf"^  library .* is [0-9a-f]{{8}}, built from .*cors\.py, {library[:8]}$", out, re.MULTILINE)
    deploy = ("camrig", "deploy", "--production", "--device", virtual.path)
    ended = run(*deploy, "--dry-run", env=WIFI, cwd=repository)
    assert ended.code == 0, ended.out
    assert listed("remove", ended.out) == AGENT
    assert listed("send", ended.out) == set()
    assert listed("keep", ended.out) >= {"/cistern.mpy", "/docs/help.md", "/tests/patterns.txt", "/www/index.html"}
    left_out = re.findall(r"^left out  (\S+) +(.*)$", ended.out, re.MULTILINE)
    assert left_out == [
        ("docs/plan.md", "documentation"),
        ("drawing.psd", "exclude"),
        ("static/raw/", "exclude"),
        ("tests/__pycache__/", "cache"),
        (f"{repository}/web/dist/README.md", "documentation"),
    ]
    ended = run(*deploy, env=WIFI, cwd=repository)
    assert ended.code == 0, ended.out
    assert re.search(r"^  library +\S+/firmware/lib/microdot/cors\.py +[0-9a-f]{8}$", ended.out, re.MULTILINE)
    url = re.search(r"serves at (http://\S+)", ended.out)[1]
    level = requests.get(f"{url}/level", headers={"Origin": ORIGIN}, timeout=10)
    assert level.json() == {"litres": 1200}
    assert "Access-Control-Allow-Origin" not in level.headers  # the policy of the application again
    for place, source in (("www/index.html", "web/dist/index.html"), ("ca.pem", "../certificates/ca.pem")):
        assert requests.get(f"{url}/files/{place}", timeout=10).text == OUTSIDE[source]
    assert requests.get(f"{url}/rig/echo", timeout=10).status_code == 404


def test_a_cors_object_is_passed_and_settings_are_options(virtual, run, tmp_path):
    repository = make_cistern(tmp_path, attached=False, ready="cistern: serving http://{}:{}")
    main = (repository / "firmware/app/main.py").read_text()
    assert "cors=my_cors" in main
    assert "app.cors" not in main + (repository / "firmware/app/cistern.py").read_text()
    (repository / "camrig.toml").write_text(PAGE.code("[deploy]"))
    settings = re.findall(r'^(\w+) = "(.*)"', PAGE.code("lib = "), re.MULTILINE)
    out = green_run(run, virtual, repository, *(word for name, path in settings for word in (f"--hil-{name}", path)))
    assert re.search(r"^  library +firmware/lib/microdot/cors\.py +[0-9a-f]{8}$", out, re.MULTILINE)
