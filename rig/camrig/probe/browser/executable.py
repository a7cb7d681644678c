"""Which browser this computer has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from camrig.errors import BrowserMissingError

VARIABLE = "CAMRIG_BROWSER"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
)
_APPLICATIONS = (  # of macOS, which has none of its browsers on PATH
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
HINT = f"install Chromium, or set {VARIABLE} to a browser that is made of it"


def find_browser(environment: Mapping[str, str] = os.environ) -> Path:
    """The browser that CAMRIG_BROWSER names, by path or by name, or the first that is installed.

    Raises BrowserMissingError.
    """
    folders = environment.get("PATH", os.defpath)
    if name := environment.get(VARIABLE, "").strip():
        if path := shutil.which(os.path.expanduser(name), path=folders):
            return Path(path)
        raise BrowserMissingError(f"{VARIABLE} is {name!r}, {_fault(name)}", hint=HINT)
    for name in (*NAMES, *_APPLICATIONS):
        if path := shutil.which(name, path=folders):
            return Path(path)
    raise BrowserMissingError("there is no Chromium on this computer", hint=HINT)


def _fault(name: str) -> str:
    path = Path(name).expanduser()
    if path.is_dir():
        return "which is a folder"
    if path.exists():
        return "which this user may not execute"
    return "which does not exist" if os.sep in name else "which is not on PATH"
