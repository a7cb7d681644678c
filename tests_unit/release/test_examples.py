"""The pipelines that release on a bench: they parse, their commands can be typed, and no stranger starts them."""

from __future__ import annotations

import re
import shlex

import yaml
from camrig.cli.parser import parser
from camrig.settings.options import OPTIONS

from tests_unit.conftest import ROOT

EXAMPLES = ROOT / "examples" / "release"
VARIABLES = {name for option in OPTIONS for name in option.env} | {"CAMRIG_WIFI_SSID", "CAMRIG_WIFI_PASSWORD"}
EXPRESSION = re.compile(r"\$\{\{[^}]*\}\}")


def commands(lines):
    """The arguments of each line that runs camrig, which end the test if they cannot be typed."""
    parsed = []
    for line in lines:
        for match in re.finditer(r"(?:^|[ /])camrig ((?:release|verdict|verify)\b[^;&|\n]*)", line):
            words = shlex.split(EXPRESSION.sub("x", match[1]))
            parsed.append(parser(words).parse_args(words))
    return parsed


def test_the_workflow_of_github():
    workflow = yaml.safe_load((EXAMPLES / "github.yml").read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"push", "workflow_dispatch"}  # what YAML makes of the word on
    assert set(workflow[True]["push"]) == {"tags"}
    assert workflow["permissions"] == {"contents": "read"}
    bench, sign = workflow["jobs"]["bench"], workflow["jobs"]["sign"]
    assert "self-hosted" in bench["runs-on"]
    assert bench["concurrency"] == {"group": "bench-${{ matrix.board }}", "cancel-in-progress": False}
    assert all(entry["board"] for entry in bench["strategy"]["matrix"]["include"])
    assert set(bench["env"]) <= VARIABLES
    (release,) = commands(step.get("run", "") for step in bench["steps"])
    assert (release.command, release.firmware, release.soak.seconds) == ("release", "firmware/firmware.bin", 3600)
    assert bench["timeout-minutes"] * 60 > release.soak.seconds
    (upload,) = [step for step in bench["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    assert upload["with"]["path"] == "results/release-*"
    assert "RELEASE_KEY" not in str(bench)
    assert sign["runs-on"] == "ubuntu-latest"
    assert not [step for step in sign["steps"] if "checkout" in step.get("uses", "")]
    assert [command.command for command in commands(step.get("run", "") for step in sign["steps"])] == ["verdict"]
    assert "ssh-keygen -Y sign -n camrig-release" in str(sign)


def test_the_pipeline_of_gitlab():
    pipeline = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text(encoding="utf-8"))
    (rule,) = pipeline[".released"]["rules"]
    assert "$CI_COMMIT_TAG" in rule["if"]
    assert '$CI_COMMIT_REF_PROTECTED == "true"' in rule["if"]
    bench, sign = pipeline["bench"], pipeline["sign"]
    assert bench["extends"] == sign["extends"] == ".released"
    assert bench["stage"] in pipeline["stages"]
    assert sign["stage"] in pipeline["stages"]
    assert bench["resource_group"] == "bench-0001A2B3"
    assert bench["interruptible"] is False
    assert {name for name in bench["variables"] if name.startswith("CAMRIG_")} <= VARIABLES
    (release,) = commands(bench["script"])
    assert (release.command, release.device) == ("release", ["id:0001A2B3"])
    assert bench["artifacts"]["when"] == "always"
    assert bench["artifacts"]["paths"] == ["results/release-*"]
    assert bench["artifacts"]["reports"] == {"junit": "results/release-*.xml"}
    assert "RELEASE_KEY" not in str(bench)
    assert [command.command for command in commands(sign["script"])] == ["verdict"]
    assert sign["when"] == "manual"


def test_no_pipeline_is_started_by_a_pull_request():
    for path in EXAMPLES.iterdir():
        lines = [line.partition("#")[0] for line in path.read_text(encoding="utf-8").splitlines()]
        assert not re.search(r"pull_request|merge_request|external_pull", "\n".join(lines))


def test_the_page_names_each_example_and_its_commands_can_be_typed():
    page = (ROOT / "docs" / "release.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        assert f"(../examples/release/{path.name})" in page
    lines = [line.partition("  #")[0] for line in page.splitlines() if line.startswith("    camrig ")]
    assert len(commands(lines)) == len(lines) >= 6
