"""Signatures by ``minisign``; their trusted comment says what they are for."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from camrig.errors import SignatureError
from camrig.signing import program
from camrig.signing.purpose import NAMESPACE, does_not_fit
from camrig.whole_file import temporary_folder

SUFFIX = ".minisig"
_SECRET = re.compile(r"untrusted comment: [^\n]*\n(RW[A-Za-z0-9+/]+=*)\s*", re.DOTALL)
_SECRET_BYTES, _PUBLIC_BYTES = 158, 42
_NO_PASSWORD = b"\0\0"  # in place of the name of what derives a key from a password


def is_private(text: str) -> bool:
    """Whether ``text`` is a secret key of minisign."""
    return len(_blob(text)) == _SECRET_BYTES


def is_public(text: str) -> bool:
    """Whether ``text`` is a public key of minisign."""
    return len(_blob(text)) == _PUBLIC_BYTES


def demand_key(key: Path) -> None:
    """Raises SignatureError if nothing can be signed with ``key``: it is tried, where nobody has to type."""
    if _has_password(key):
        program.run(["minisign", "-v"])
        if not program.has_terminal():
            raise SignatureError(
                f"the key {key} has a password, and there is no terminal to type it on",
                hint="use a key for this bench without a password (minisign -G -W)",
            )
    else:
        sign(key, b"")


def sign(key: Path, content: bytes) -> bytes:
    """The signature of ``content``. Raises SignatureError."""
    with temporary_folder() as folder:
        file, signature = folder / "evidence", folder / "signature"
        file.write_bytes(content)
        words = ["minisign", "-S", "-s", str(key), "-m", str(file), "-x", str(signature), "-t", NAMESPACE]
        done = program.run(words, asks=_has_password(key) and program.has_terminal())
        if done.returncode != 0 or not signature.is_file():
            raise SignatureError(f"minisign cannot sign with the key {key}: {program.last_line(done)}")
        return signature.read_bytes()


def verify(signature: Path, text: bytes, content: bytes, key: Path) -> str:
    """Who signed ``content``, in words; ``text`` is what ``signature`` holds. Raises SignatureError."""
    # minisign ends a line only there: at whatever else a line may end, a comment that it never checked could begin.
    lines = [line.removesuffix("\r") for line in text.decode("utf-8", "replace").split("\n")]
    signed_by = _key_id("\n".join(lines[:2]))
    if len(lines) < 4 or not signed_by:
        raise SignatureError(f"{signature} is not a signature of minisign, or damaged")
    if signed_by != _key_id(key.read_text(encoding="utf-8", errors="replace")):
        raise SignatureError(f"{signature} was made with another key than {key}")
    with temporary_folder() as folder:
        file, copy = folder / "evidence", folder / "signature"
        file.write_bytes(content)
        copy.write_bytes(text)
        done = program.run(["minisign", "-V", "-p", str(key), "-m", str(file), "-x", str(copy)])
    if done.returncode != 0:
        raise does_not_fit(signature)
    comment = lines[2].partition("trusted comment: ")[2]  # which minisign has checked
    if comment != NAMESPACE:
        raise SignatureError(
            f"{signature} is a signature for {comment!r}, not for {NAMESPACE}",
            hint=f"sign with camrig release --sign, or minisign -S -t {NAMESPACE}",
        )
    return f"{key}, minisign key {signed_by[::-1].hex().upper()}"


def _blob(text: str) -> bytes:
    """What a key is in bytes; empty for a text of another kind."""
    match = _SECRET.fullmatch(text)
    return _decoded(match[1]) if match else b""


def _key_id(text: str) -> bytes:
    """The number of the key in a public key or in a signature; empty for a text of another kind."""
    line = text.strip().rpartition("\n")[2]
    return _decoded(line)[2:10]


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _has_password(key: Path) -> bool:
    return _blob(key.read_text(encoding="utf-8", errors="replace"))[2:4] != _NO_PASSWORD
