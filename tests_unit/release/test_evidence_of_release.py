"""The evidence of a release gives its decision again, or an error; what was signed stays as it was."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.errors import BaselineError
from camrig.gate.archive import load_members, save_members
from camrig.gate.evidence import Evidence, write_evidence
from camrig.release.decision import Material
from camrig.release.evidence import is_release, recompute_release, write_release
from camrig.signing.file import sign_file

from tests_unit.release.good_release import material, record, rehearsal
from tests_unit.signing.test_signatures import make_keys


def write(folder, release: Material):
    """The evidence of what a release left."""
    suite, path = folder / "suite.zip", folder / "release.zip"
    compared = release.comparison
    extra = {"run": {"exit_code": 0}}
    write_evidence(
        suite, Evidence(compared.candidate, {}, {}, release.files, "console", compared, compared.decide(), extra)
    )
    members = {"suite.json": json.dumps(release.suite).encode(), "soak.json": json.dumps(release.soak).encode()}
    return path, write_release(path, suite, release.record, members)[1]


@pytest.fixture
def released(tmp_path):
    path, decision = write(tmp_path, material())
    assert decision.outcome == "released"
    return path


def test_the_decision_is_computed_again(released, capsys):
    assert is_release(released)
    made, decision = recompute_release(released)
    assert made.record == record()
    assert (decision.outcome, decision.exit_code) == ("released", 0)
    assert main(["verdict", str(released)]) == 0
    output = capsys.readouterr().out
    assert "\nReleased\n" in output
    assert "What it does not prove" in output
    members = load_members(released)
    assert members["release.txt"].decode() in output


def forged(path, name, change):
    """``path`` with a member changed, and all digests computed again: what only a signature finds, or the rules."""
    members = load_members(path)
    if name.endswith(".json"):
        data = json.loads(members[name])
        change(data)
        members[name] = json.dumps(data).encode()
    else:
        members[name] = change(members[name].decode()).encode()
    save_members(path, members)


def stage_of(data, name):
    return next(stage for stage in data["stages"] if stage["name"] == name)


FORGERIES = [
    ("release.json", lambda data: data["decision"].update(outcome="refused")),
    ("release.json", lambda data: data["decision"].update(exit_code=1)),
    ("release.json", lambda data: data["firmware"].update(read_back="")),
    ("release.json", lambda data: data["firmware"].update(sha256="00" * 32, read_back="00" * 32)),
    ("release.json", lambda data: data["clock"].update(apart=60)),
    ("release.json", lambda data: data["sources"]["library"].update(dirty=True)),
    ("release.json", lambda data: data["sources"]["library"].update(commit="ef" * 20)),
    ("release.json", lambda data: stage_of(data, "soak").update(code=6)),
    ("release.json", lambda data: data.update(soak_seconds=3600)),
    ("release.json", lambda data: data.update(rehearsal=True)),
    ("release.json", lambda data: data.pop("clock")),
    ("release.json", lambda data: data.update(schema=2)),
    ("suite.json", lambda data: data["outcomes"].pop()),
    ("suite.json", lambda data: data["outcomes"][0].update(outcome="skipped")),
    ("suite.json", lambda data: data["boards"][0].update(library_sha256="cd" * 32)),
    ("suite.json", lambda data: data.update(rehearsal=True)),
    ("suite.json", lambda data: data.pop("boards")),
    ("soak.json", lambda data: data.update(exit_code=1)),
    ("files.json", lambda data: data.clear()),
    ("files.json", lambda data: data.update({"/x": []})),
    ("release.txt", lambda text: text.replace("Released", "Refused", 1)),
    ("release.txt", lambda text: text.replace("2 h", "24 h")),
    ("release.txt", lambda text: text.replace("0f0f0f", "0f0f0e", 1)),
    ("release.txt", lambda text: ""),
]


@pytest.mark.parametrize(("name", "change"), FORGERIES)
def test_a_forgery_with_new_digests_contradicts_itself(released, capsys, name, change):
    forged(released, name, change)
    with pytest.raises(BaselineError):
        recompute_release(released)
    assert main(["verdict", str(released)]) == 4
    output = capsys.readouterr()
    assert output.err.startswith("camrig: ")
    assert len(output.err.splitlines()) == 1
    assert output.out == ""


def test_a_text_in_the_words_of_a_later_camrig_is_accepted(released):
    forged(released, "release.txt", lambda text: text.replace("as good as before", "what it was"))
    assert recompute_release(released)[1].outcome == "released"


@pytest.mark.parametrize("name", ["suite.json", "soak.json", "release.txt", "files.json"])
def test_a_member_that_is_missing_with_new_digests_is_found(released, name):
    members = load_members(released)
    del members[name]
    save_members(released, members)
    with pytest.raises(BaselineError):
        recompute_release(released)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_verify_checks_signature_and_decision(released, tmp_path, capsys):
    key, public = make_keys(tmp_path, "allowed")
    words = ["verify", str(released), "--key", str(public)]
    assert main(words) == 4
    assert f"there is no signature {released}.sig" in capsys.readouterr().err
    sign_file(released, key)
    assert main(words) == 0
    assert "signed by ada@example.org, ED25519 key" in capsys.readouterr().out
    forged(released, "run.json", lambda data: data.update(exit_code=0, more=1))
    assert main(words) == 4
    assert "does not fit" in capsys.readouterr().err
    forged(released, "release.json", lambda data: data["decision"].update(outcome="refused"))
    sign_file(released, key)  # by somebody who signs what is not so
    assert main(words) == 4
    assert "the decision in " in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_a_signed_run_does_not_verify_as_a_release(released, tmp_path, capsys):
    members = load_members(released)
    save_members(released, {name: data for name, data in members.items() if not name.startswith("release.")})
    key, public = make_keys(tmp_path, "ssh")
    sign_file(released, key)
    assert main(["verdict", str(released)]) == 0
    assert main(["verify", str(released), "--key", str(public)]) == 4
    assert "is the evidence of a run, not of a release" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_a_signed_rehearsal_does_not_verify_as_a_release(tmp_path, capsys):
    path, decision = write(tmp_path, replace(rehearsal()))
    assert decision.headline == "rehearsal: not a release (the outcome would be: released)"
    key, public = make_keys(tmp_path, "ssh")
    sign_file(path, key)
    assert main(["verify", str(path), "--key", str(public)]) == 7
    assert capsys.readouterr().out.endswith("rehearsal: not a release\n")
    members = load_members(path)
    assert json.loads(members["release.json"])["mark"] == "rehearsal: not a release"
    assert b"Rehearsal: not a release" in members["release.txt"]


def test_the_record_keeps_the_tools_and_the_commits(released):
    data = json.loads(load_members(released)["release.json"])
    assert data["tools"]["python"]
    assert data["sources"]["library"] == {"commit": "cd" * 20, "dirty": False}
    assert data["decision"]["headline"] == "released"
    assert data["firmware"] == {"name": "firmware.bin", "sha256": "0f" * 32, "read_back": "0f" * 32}
