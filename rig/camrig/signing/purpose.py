"""What a signature of evidence is for, and the error of one that does not fit."""

from __future__ import annotations

from pathlib import Path

from camrig.errors import SignatureError

NAMESPACE = "camrig-release"


def does_not_fit(signature: Path) -> SignatureError:
    """The error of a signature of other bytes: which of both was changed cannot be known."""
    return SignatureError(
        f"{signature} does not fit: the file was changed after it was signed, or another file was signed",
        hint="do not trust this file",
    )
