"""Signing a file and checking that, with the programs that people have: every mistake is one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from camrig.errors import SignatureError
from camrig.signing import file as signatures
from camrig.signing import minisign, program, ssh

needs_minisign = pytest.mark.skipif(not shutil.which("minisign"), reason="minisign is not installed")
needs_ssh = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
KINDS = (
    pytest.param("ssh", marks=needs_ssh),
    pytest.param("allowed", marks=needs_ssh),
    pytest.param("minisign", marks=needs_minisign),
)


def make_keys(folder, kind, name="key", phrase=""):
    """A key to sign with, and what verifies it."""
    key = folder / name
    if kind == "minisign":
        words = ["minisign", "-G", "-p", f"{key}.pub", "-s", str(key), *([] if phrase else ["-W"])]
        subprocess.run(words, input=f"{phrase}\n{phrase}\n".encode(), capture_output=True, check=True, timeout=60)
        return key, folder / f"{name}.pub"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-f", str(key), "-C", "bench"]
    subprocess.run(words, capture_output=True, check=True, timeout=60)
    public = folder / f"{name}.pub"
    if kind == "allowed":
        allowed = folder / f"{name}.allowed"
        allowed.write_text(f"# who may release\nada@example.org {public.read_text()}")
        return key, allowed
    return key, public


COMMENT = 60  # bytes at the beginning of a signature that sign nothing


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def signed(tmp_path, kind):
    """A signed file, the key, and what verifies it."""
    key, public = make_keys(tmp_path, kind)
    path = tmp_path / "release.zip"
    path.write_bytes(b"evidence" * 99)
    signatures.demand_key(key)
    return path, key, public, signatures.sign_file(path, key)


def refusal(path, public):
    with pytest.raises(SignatureError) as raised:
        signatures.verify_file(path, public)
    assert raised.value.exit_code == 4
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_signed_file_is_accepted_and_its_signer_named(signed, kind):
    path, _, public, signature = signed
    assert signature.parent == path.parent
    assert signature.name == path.name + (".minisig" if kind == "minisign" else ".sig")
    who = signatures.verify_file(path, public)
    assert ("ada@example.org" in who) == (kind == "allowed")
    assert "key" in who


def test_a_changed_file_a_foreign_and_a_missing_signature(signed, tmp_path):
    path, key, public, signature = signed
    original = path.read_bytes()
    path.write_bytes(original[:-1] + b"?")
    assert "does not fit: the file was changed after it was signed, or another file was signed" in refusal(
        path, public
    )
    second = tmp_path / "second.zip"
    second.write_bytes(b"another release")
    shutil.copy(signatures.sign_file(second, key), signature)
    path.write_bytes(original)
    assert "does not fit" in refusal(path, public)
    signature.unlink()
    assert f"there is no signature {signature}" in refusal(path, public)


def test_a_key_that_was_not_expected_is_said(signed, tmp_path, kind):
    path, _, _, signature = signed
    _, foreign = make_keys(tmp_path, kind, "foreign")
    assert f"{signature} was made with " in refusal(path, foreign)


def test_a_damaged_signature_is_one_sentence(signed):
    path, _, public, signature = signed
    content = signature.read_bytes()
    for place in range(0, len(content), 7):
        signature.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        if place > COMMENT:
            assert refusal(path, public)
        signature.write_bytes(content[:place])
        assert refusal(path, public)


def test_a_signature_for_another_purpose_is_refused(tmp_path, kind):
    key, public = make_keys(tmp_path, kind)
    path = tmp_path / "release.zip"
    path.write_bytes(b"evidence")
    words = (
        ["minisign", "-S", "-s", str(key), "-m", str(path), "-t", "git"]
        if kind == "minisign"
        else ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "git", str(path)]
    )
    subprocess.run(words, capture_output=True, check=True, timeout=60)
    assert "is a signature for 'git', not for camrig-release" in refusal(path, public)


@needs_minisign
@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_a_purpose_is_read_only_where_minisign_checks_it(tmp_path, end):
    key, public = make_keys(tmp_path, "minisign")
    path = tmp_path / "release.zip"
    path.write_bytes(b"evidence")
    words = ["minisign", "-S", "-s", str(key), "-m", str(path), "-t", "git"]
    subprocess.run(words, capture_output=True, check=True, timeout=60)
    signature = tmp_path / "release.zip.minisig"
    _, *signed = signature.read_text().split("\n")
    forged = ["untrusted comment: ", signed[0], "trusted comment: camrig-release", ""]
    signature.write_bytes("\n".join([end.join(forged), *signed]).encode())
    assert " not for camrig-release" in refusal(path, public)


@pytest.mark.parametrize("kind", ["ssh", "minisign"])
def test_private_and_public_keys_are_not_mistaken(tmp_path, kind):
    if not shutil.which({"ssh": "ssh-keygen"}.get(kind, kind)):
        pytest.skip(f"{kind} is not installed")
    key, public = make_keys(tmp_path, kind)
    path = tmp_path / "release.zip"
    path.write_bytes(b"evidence")
    signatures.sign_file(path, key)
    assert "is a private key, which verifies nothing" in refusal(path, key)
    key.unlink()  # ssh-keygen takes a public key for the one beside it, or for one that the agent has
    with pytest.raises(SignatureError, match=r"is a public key, which signs|cannot sign with the key"):
        signatures.sign_file(path, public)


@pytest.mark.parametrize("content", ["", "\0", "hello", "ssh-ed25519", "untrusted comment: x\nRWQ=", "-----BEGIN"])
def test_what_is_not_a_key_is_one_sentence(tmp_path, content):
    key, path = tmp_path / "key", tmp_path / "release.zip"
    path.write_bytes(b"evidence")
    key.write_text(content)
    for call in (signatures.demand_key, lambda key: signatures.verify_file(path, key)):
        with pytest.raises(SignatureError, match="is neither a "):
            call(key)
        with pytest.raises(SignatureError, match="there is no key "):
            call(tmp_path / "missing")
        with pytest.raises(SignatureError, match="cannot be read"):
            call(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_with_a_passphrase_and_no_terminal_ends_at_once(tmp_path, kind, monkeypatch):
    key, _ = make_keys(tmp_path, kind, phrase="correct horse")
    monkeypatch.setattr(program, "has_terminal", lambda: False)
    with pytest.raises(SignatureError, match=r"has a pass(phrase|word), and there is no terminal to type it on"):
        signatures.demand_key(key)
    path = tmp_path / "release.zip"
    path.write_bytes(b"evidence")
    with pytest.raises(SignatureError, match="cannot sign with the key"):
        signatures.sign_file(path, key)
    assert not list(tmp_path.glob("release.zip.*"))


def test_a_program_that_is_missing_or_hangs_is_one_sentence(signed, tmp_path, kind, monkeypatch):
    path, key, public, _ = signed
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    name = "minisign" if kind == "minisign" else "ssh-keygen"
    for call in (lambda: signatures.sign_file(path, key), lambda: signatures.verify_file(path, public)):
        with pytest.raises(SignatureError, match=rf"{name} is not installed"):
            call()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / name).write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/nowhere")
    monkeypatch.setattr(program, "SECONDS", 0.5)
    with pytest.raises(SignatureError, match=rf"{name} did not end within"):
        signatures.verify_file(path, public)


def test_an_older_signature_goes_with_its_file(signed):
    path, _, _, signature = signed
    signatures.remove_signatures(path)
    assert not signature.exists()
    signatures.remove_signatures(path)


def test_the_kind_of_a_key_follows_from_its_content():
    secret = "untrusted comment: minisign encrypted secret key\nRW" + "A" * 209 + "=\n"
    public = "untrusted comment: minisign public key\nRW" + "A" * 54 + "\n"
    assert (minisign.is_private(secret), minisign.is_public(secret)) == (True, False)
    assert (minisign.is_private(public), minisign.is_public(public)) == (False, True)
    assert ssh.is_private("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert ssh.is_private("-----BEGIN RSA PRIVATE KEY-----\n")
    assert not ssh.is_private("-----BEGIN CERTIFICATE-----\n")
    assert ssh.is_public("sk-ssh-ed25519@openssh.com AAAA x")
    assert ssh.is_allowed_signers('a@b,c@d namespaces="camrig-release" ssh-ed25519 AAAAC3 x\n')
    assert not ssh.is_allowed_signers("a@b no key\n")
