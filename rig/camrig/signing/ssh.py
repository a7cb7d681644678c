"""Signatures by ``ssh-keygen -Y``, in the name space of releases."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from camrig.errors import SignatureError
from camrig.signing import program
from camrig.signing.purpose import NAMESPACE, does_not_fit
from camrig.whole_file import temporary_folder

SUFFIX = ".sig"
_PROBE = "camrig-probe"  # a name space in which nothing is ever accepted
_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\s(.*?)-----END SSH SIGNATURE-----", re.DOTALL)
_TYPE = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+ ")
_SAFE = re.compile(r"[^,*?!\s]+")  # a principal that is a name, not a pattern


def is_private(text: str) -> bool:
    """Whether ``text`` is a private key that ssh-keygen reads."""
    return re.match(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", text) is not None


def is_public(text: str) -> bool:
    """Whether ``text`` is a public key in one line."""
    return _TYPE.match(text) is not None


def is_allowed_signers(text: str) -> bool:
    """Whether ``text`` names who may sign, and with which keys."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return bool(lines) and all(re.search(r"\s(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+\s+AAAA", line) for line in lines)


def demand_key(key: Path) -> None:
    """Raises SignatureError if nothing can be signed with ``key``: it is tried, where nobody has to type."""
    done = program.run(["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", _PROBE])
    if done.returncode == 0:
        return
    reason = program.last_line(done)
    if "passphrase" not in reason:
        raise SignatureError(f"ssh-keygen cannot sign with the key {key}: {reason}")
    if not program.has_terminal():
        raise SignatureError(
            f"the key {key} has a passphrase, and there is no terminal to type it on",
            hint="add the key to ssh-agent, or use one for this bench without a passphrase",
        )


def sign(key: Path, content: bytes) -> bytes:
    """The signature of ``content``; a passphrase is typed on the terminal. Raises SignatureError."""
    with temporary_folder() as folder:
        file = folder / "evidence"
        file.write_bytes(content)
        signature = file.with_suffix(SUFFIX)
        words = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(file)]
        done = program.run(words)
        if done.returncode != 0 and program.has_terminal():
            done = program.run(words, asks=True)
        if done.returncode != 0 or not signature.is_file():
            raise SignatureError(f"ssh-keygen cannot sign with the key {key}: {program.last_line(done)}")
        return signature.read_bytes()


def verify(signature: Path, text: bytes, content: bytes, key: Path) -> str:
    """Who signed ``content``, in words; ``text`` is what ``signature`` holds. Raises SignatureError."""
    namespace = _namespace(signature, text)
    if namespace != NAMESPACE:
        raise SignatureError(
            f"{signature} is a signature for {namespace!r}, not for {NAMESPACE}",
            hint=f"sign with camrig release --sign, or ssh-keygen -Y sign -n {NAMESPACE}",
        )
    with temporary_folder() as folder:
        signers, copy = folder / "allowed_signers", folder / "signature"
        copy.write_bytes(text)
        allowed = key.read_text(encoding="utf-8", errors="replace")
        signers.write_text(f"key {allowed}" if is_public(allowed) else allowed, encoding="utf-8")
        listing = program.run(["ssh-keygen", "-Y", "find-principals", "-f", str(signers), "-s", str(copy)])
        names = listing.stdout.decode("utf-8", "replace").splitlines()
        if listing.returncode != 0 or not names:
            raise SignatureError(f"{signature} was made with a key that {key} does not hold")
        name = next(filter(_SAFE.fullmatch, names[0].split(",")), "camrig")
        words = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(copy)]
        done = program.run(words, content)
    if done.returncode != 0:
        raise _refused(signature, key, done.stderr.decode("utf-8", "replace"))
    fingerprint = re.search(r"with (\S+ key SHA256:\S+)", done.stdout.decode("utf-8", "replace"))
    who = str(key) if is_public(allowed) else name
    return f"{who}, {fingerprint[1]}" if fingerprint else who


def _refused(signature: Path, key: Path, words: str) -> SignatureError:
    if "not permitted" in words or "expired" in words or "not yet valid" in words:
        reason = words.strip().splitlines()[0].partition(": ")[2] or "it is not permitted"
        return SignatureError(f"{key} does not accept the key that made {signature}: {reason}")
    return does_not_fit(signature)


def _namespace(signature: Path, text: bytes) -> str:
    """The name space that a signature says it is for. Raises SignatureError for what is not one."""
    try:
        armour = _ARMOUR.fullmatch(text.decode("ascii").strip())
        blob = base64.b64decode("".join(armour[1].split()), validate=True) if armour else b""
        if blob[:6] != b"SSHSIG":
            raise ValueError
        _, rest = _string(blob[10:])  # behind a version, the public key
        namespace, _ = _string(rest)
        return namespace.decode("ascii")
    except (ValueError, binascii.Error):
        raise SignatureError(f"{signature} is not a signature of ssh-keygen, or damaged") from None


def _string(data: bytes) -> tuple[bytes, bytes]:
    """A string with its length before it, and what follows it. Raises ValueError."""
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < end:
        raise ValueError
    return data[4:end], data[end:]
