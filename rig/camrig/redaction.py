"""Secrets of a bench, hidden in every form in which a board, a traceback or a report may print them.

A secret is found plain, inside ``repr`` of text and bytes, in JSON, as escapes, in a URL, in HTML, and in any mixture
of these, because each of its characters is looked for in all its forms.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "***"
LINE = 4  # characters of a line of a secret, above which the line alone is hidden too
PASSWORD_VARIABLE = "CAMRIG_WIFI_PASSWORD"

_secrets: set[str] = set()
_CONTROLS = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if chr(code) not in "\n\t"}


def register(*secrets: str) -> None:
    """Hide ``secrets`` from now on, in whatever this process says."""
    _secrets.update(secret for secret in secrets if secret)


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without the secrets of this process and ``secrets``. Hide first, and cut then."""
    pattern = _pattern(frozenset({*_secrets, *filter(None, secrets)}))
    return pattern.sub(HIDDEN, text) if pattern is not None else text


def hidden(value: Any) -> Any:
    """Plain data, as for JSON, without secrets in any of its texts; numbers stay, whatever their digits are."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {hide(name) if isinstance(name, str) else name: hidden(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [hidden(entry) for entry in value]
    return value


def visible(text: str) -> str:
    """``text`` with control characters as escapes, so that it does nothing to a terminal; line breaks stay."""
    return text.translate(_CONTROLS)


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child process that has no need of the Wi-Fi password."""
    environment = os.environ if environment is None else environment
    return {name: value for name, value in environment.items() if name != PASSWORD_VARIABLE}


@lru_cache(maxsize=32)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    parts = set(secrets)
    for secret in secrets:
        parts |= {line for line in re.split(r"[\r\n]+", secret) if len(line) >= LINE}
    longest_first = sorted(parts, key=lambda part: (-len(part), part))
    return re.compile("|".join(map(_forms, longest_first))) if longest_first else None


def _forms(secret: str) -> str:
    return "".join(_character_forms(character) for character in secret)


@lru_cache(maxsize=4096)
def _character_forms(character: str) -> str:
    """A pattern of all forms of one character."""
    code, data = ord(character), character.encode("utf-8", "surrogatepass")
    escapes = [_any_case(f"u{code:04x}"), _any_case(f"U{code:08x}"), _any_case(f"u{{{code:x}}}")]
    if code < 256:
        escapes += [_any_case(f"x{code:02x}"), f"{code:03o}"]
    if code > 0xFFFF:
        pair = json.dumps(character)[1:-1].split("\\u")[1:]
        escapes.append(r"\\+".join(_any_case("u" + half) for half in pair))
    simple = {"\n": "n", "\r": "r", "\t": "t", "\f": "f", "\b": "b", "\\": r"\\", '"': '"', "'": "'", "/": "/"}
    if character in simple:
        escapes.append(re.escape(simple[character]) if character != "\\" else r"(?:\\)")
    whole_bytes = r"\\+".join(_any_case(f"x{byte:02x}") for byte in data)
    forms = [re.escape(character), r"\\+(?:" + "|".join([whole_bytes, *escapes]) + ")"]
    forms.append("".join(_any_case(f"%{byte:02x}") for byte in data))
    forms += [re.escape(html.escape(character)), rf"&\#0*{code};", rf"&\#[xX]0*{_any_case(f'{code:x}')};"]
    if character == " ":
        forms.append(r"\+")
    if character == "\n":
        forms.append(r"\r?\n\s*")
    return "(?:" + "|".join(dict.fromkeys(forms)) + ")"


def _any_case(digits: str) -> str:
    """``digits`` with hexadecimal letters in either case; a leading letter that names the escape stays."""
    head, tail = (digits[0], digits[1:]) if digits[0] in "uUx%" else ("", digits)
    return re.escape(head) + "".join(
        f"[{digit.lower()}{digit.upper()}]" if digit in "abcdef" else re.escape(digit) for digit in tail
    )
