"""Signing a file beside itself, and checking that: which program does it follows from the key."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from camrig.errors import SignatureError
from camrig.signing import minisign, ssh
from camrig.whole_file import read_whole, write_whole

_KINDS: tuple[ModuleType, ...] = (ssh, minisign)
_MAX_BYTES = 1 << 20  # of a key or a signature


def demand_key(key: Path) -> None:
    """Raises SignatureError if nothing can be signed with ``key``."""
    _signer(key).demand_key(key)


def sign_file(path: Path, key: Path) -> Path:
    """Sign ``path`` with ``key``; the signature's file, in place of an older one. Raises SignatureError."""
    kind = _signer(key)
    signature = path.with_name(path.name + kind.SUFFIX)
    data: bytes = kind.sign(key, _read(path, "file"))
    try:
        write_whole(signature, data)
    except OSError as error:
        raise SignatureError(f"the signature {signature} cannot be written: {error.strerror}") from None
    return signature


def remove_signatures(path: Path) -> None:
    """Remove what signed an older ``path``. Raises SignatureError."""
    for kind in _KINDS:
        signature = path.with_name(path.name + kind.SUFFIX)
        try:
            signature.unlink(missing_ok=True)
        except OSError as error:
            raise SignatureError(f"the signature {signature} cannot be removed: {error.strerror}") from None


def verify_file(path: Path, key: Path) -> str:
    """Who signed ``path``, in words. Raises SignatureError unless it was somebody whom ``key`` names."""
    kind = _verifier(key)
    content = _read(path, "file")
    signature = path.with_name(path.name + kind.SUFFIX)
    who: str = kind.verify(signature, _read(signature, "signature"), content, key)
    return who


def _signer(key: Path) -> ModuleType:
    text = _text(key)
    if ssh.is_private(text) or ssh.is_public(text):  # whose private part is in ssh-agent
        return ssh
    if minisign.is_private(text):
        return minisign
    if minisign.is_public(text):
        raise SignatureError(f"{key} is a public key, which signs nothing", hint="give the secret key")
    raise SignatureError(f"{key} is neither a key of ssh-keygen nor one of minisign")


def _verifier(key: Path) -> ModuleType:
    text = _text(key)
    if ssh.is_private(text) or minisign.is_private(text):
        raise SignatureError(f"{key} is a private key, which verifies nothing", hint="give the public key")
    if minisign.is_public(text):
        return minisign
    if ssh.is_public(text) or ssh.is_allowed_signers(text):
        return ssh
    raise SignatureError(f"{key} is neither a public key nor a file of allowed signers")


def _text(key: Path) -> str:
    return _read(key, "key").decode("utf-8", "replace")


def _read(path: Path, role: str) -> bytes:
    try:
        return read_whole(path, *(() if role == "file" else (_MAX_BYTES,)))
    except FileNotFoundError:
        hint = "it is beside the file that it signs: copy both" if role == "signature" else ""
        raise SignatureError(f"there is no {role} {path}", hint=hint) from None
    except OSError as error:
        raise SignatureError(f"the {role} {path} cannot be read: {error.strerror}") from None
