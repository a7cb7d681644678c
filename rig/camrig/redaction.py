"""Secrets of a bench, hidden in every form in which a board, a traceback or a report may print them.

A secret is found plain, inside ``repr`` of text and bytes, in JSON, as escapes, in a URL, in HTML, quoted for a
shell, and in any mixture of these, because each of its characters is looked for in all its forms; also as digits of
its bytes and in base64, across line breaks and the colours of a terminal, and where a cut has left a piece of it.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "***"
LINE = 4  # characters of a line of a secret, above which the line alone is hidden too
EXCERPT = 80  # characters of a foreign text in a message
CONSIDERED = 4096  # characters, of which an excerpt is made
PASSWORD_VARIABLE = "CAMRIG_WIFI_PASSWORD"

_secrets: set[str] = set()
# They change the order of what is shown, or break its lines.
_DIRECTIONS = [0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_CONTROLS = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if chr(code) not in "\n\t"} | {
    code: f"\\u{code:04x}" for code in _DIRECTIONS
}
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
# What a terminal or a narrow console may put between two characters: breaks of lines, control characters, colours.
_BETWEEN = r"(?:\x1b\[[0-9;?]*[@-~]|\\x1b\[[0-9;?]*[@-~]|[\x00-\x1f\x7f])*"
_ELLIPSIS = re.compile(r"\.\.\.|…")
_BOUNDARY = re.compile(r"[\"']?\s?(?:\.\.\.|…)")
_CUT_ESCAPE = re.compile(r"(?:\\+[uUxX{0-9a-fA-F]*|%[0-9a-fA-F]?|&[#0-9a-zA-Z]*)")
_REST_OF_ESCAPE = re.compile(r"[uUx{#]{0,2}[0-9a-fA-F]{0,7}[;}]?|[a-z]{1,4};")
_MARKS = "\\%&\x1b"  # with one of which each escape, colour and entity begins
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
_NO_DIGITS = bytes(code for code in range(256) if chr(code) not in "123456789")


def register(*secrets: str) -> None:
    """Hide ``secrets`` from now on, in whatever this process says."""
    _secrets.update(secret for secret in secrets if secret)


def hide(text: str, secrets: Iterable[str] = (), *, cut: bool = False) -> str:
    """``text`` without the secrets of this process and ``secrets``. Hide first, and cut then.

    The password in the environment is one, also before settings are read. What an ellipsis has left of a secret is
    hidden too, and, in a text that was ``cut``, what its ends have.
    """
    hiding = frozenset(filter(None, (*_secrets, os.environ.get(PASSWORD_VARIABLE), *secrets)))
    if _may_hold(text, hiding) and (pattern := _pattern(hiding)) is not None:
        text = pattern.sub(HIDDEN, text)
    if cut or _ELLIPSIS.search(text):
        for secret in hiding:
            if _may_hold_piece(text, secret):
                text = _Pieces.of(secret).hide(text, cut)
    return text


def hidden(value: Any, *, names: bool = False) -> Any:
    """Plain data, as for JSON, without secrets in any of its texts; numbers stay, whatever their digits are.

    ``names`` of fields too, where they are not those of a format, which a password may happen to be.
    """
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {
            hide(name) if names and isinstance(name, str) else name: hidden(entry, names=names)
            for name, entry in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [hidden(entry, names=names) for entry in value]
    return value


def visible(text: str) -> str:
    """``text`` with control characters as escapes, so that it does nothing to a terminal; line breaks stay."""
    return text.translate(_CONTROLS)


def visible_in_colour(text: str) -> str:
    """``text`` like ``visible``, but colours stay, which a test's own output may have."""
    return "".join(part if number % 2 else visible(part) for number, part in enumerate(_COLOUR.split(text)))


def presentable(text: str) -> str:
    """``text`` from a board as it may be shown: no secret or piece of one, and no control character."""
    return visible(hide(text, cut=True))


def one_line(text: str) -> str:
    """``text`` like ``visible``, with its line breaks as escapes too, so that it adds no line to what is printed."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def shortened(text: str) -> str:
    """``text`` for a message: hidden, visible, and then cut."""
    text = presentable(text)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def excerpt(text: str | bytes) -> str:
    """The beginning of what came from outside, quoted as one line, for a message."""
    return shortened(repr(text[:CONSIDERED]))


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child process that has no need of the Wi-Fi password."""
    environment = os.environ if environment is None else environment
    return {name: value for name, value in environment.items() if name != PASSWORD_VARIABLE}


def _may_hold(text: str, secrets: frozenset[str]) -> bool:
    """Whether the pattern of ``secrets`` may match: false only where their letters are not even there in their order.

    To make a pattern takes longer than a short run has. Each mark of an escape may stand for one character.
    """
    bare = _bare(text)
    if any(run in bare for run in _runs(secrets, sum(map(text.count, _MARKS)))):
        return True
    numbers = bare.lower().translate(None, b"0x"), bare.translate(None, _NO_DIGITS)
    return any(digits in form for digits in _digits(secrets) for form in numbers)


def _may_hold_piece(text: str, secret: str) -> bool:
    """Whether a cut may have left a piece of ``secret``: of texts with escapes only both ends are known."""
    marks = [position for mark in _MARKS for position in (text.find(mark), text.rfind(mark)) if position >= 0]
    least = _least(secret)
    first, last = _bare(secret[:least]), _bare(secret[-least:])
    if not marks:
        bare = _bare(text)
        return first in bare or last in bare
    head, tail = _bare(text[: min(marks)]), _bare(text[max(marks) :])
    unknown = bool(_ELLIPSIS.search(text)) or min(len(head), len(tail)) < 2 * len(secret)
    return unknown or last in head or first in tail


@lru_cache(maxsize=256)
def _runs(secrets: frozenset[str], marks: int) -> frozenset[bytes]:
    """Letters and digits, of which some are in every text with one of ``secrets`` of which ``marks`` are escaped."""
    runs = set()
    for secret in secrets:
        for form in (*_parts(secret), *_base64(secret.encode("utf-8", "surrogatepass"))):
            length = -(-(len(form) - marks) // (marks + 1))
            if length < LINE and marks:
                return frozenset([b""])
            runs |= {_bare(form[start : start + length]) for start in range(len(form) - length + 1)}
    return frozenset(runs)


@lru_cache(maxsize=32)
def _digits(secrets: frozenset[str]) -> frozenset[bytes]:
    """The bytes of ``secrets`` as numbers, without zeros and the x of 0x: there may be any number of them."""
    encoded = [secret.encode("utf-8", "surrogatepass") for secret in secrets]
    forms = [form for data in encoded if len(data) >= LINE for form in (data.hex(), "".join(map(str, data)))]
    return frozenset(form.replace("0", "").encode() for form in forms)


def _bare(text: str) -> bytes:
    """The ASCII letters and digits alone, which stay when a text is quoted, wrapped or coloured."""
    return text.encode("ascii", "ignore").translate(None, _NO_LETTERS)


@lru_cache(maxsize=32)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    parts = {part for secret in secrets for part in _parts(secret)}
    if not parts:
        return None
    longest_first = sorted(parts, key=lambda part: (-len(part), part))
    encoded = [pattern for secret in sorted(secrets, key=len, reverse=True) for pattern in _encoded(secret)]
    return re.compile("|".join([*map(_forms, longest_first), *encoded]))


def _parts(secret: str) -> set[str]:
    """The texts that are hidden of a secret: in every normal form, and each of its lines."""
    forms = {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD"))}
    return forms | {line for line in re.split(r"[\r\n]+", secret) if len(line) >= LINE}


def _forms(secret: str) -> str:
    """A pattern of all that ``secret`` looks like, character by character."""
    pattern = ""
    for before, character in zip(["\0", *secret], secret, strict=False):
        # Between control characters that belong to the secret, others would make a search endless.
        pattern += ("" if min(before, character) < " " else _BETWEEN) + _character_forms(character)
    return pattern


def _encoded(secret: str) -> list[str]:
    """Patterns of its bytes as digits, and of base64 wherever in a longer text it begins."""
    data = secret.encode("utf-8", "surrogatepass")
    if len(data) < LINE:
        return []
    between = r"(?:[\s:,_-]|0x)*"
    patterns = [
        between.join(_any_case(f"{byte:02x}") for byte in data),
        r"(?<!\d)" + r"[\s,]+".join(f"0*{byte}" for byte in data) + r"(?!\d)",
    ]
    forms = {"+": "[+-]", "/": r"(?:[/_]|\\/)"}
    for coded in _base64(data):
        patterns.append(r"\s*".join(forms.get(character, character) for character in coded))
    return patterns


def _base64(data: bytes) -> Iterator[str]:
    """``data`` as base64 wherever in a longer text it begins, without characters that share bits with a neighbour."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        coded = coded[(0, 2, 3)[shift] : len(coded) - bool((shift + len(data)) % 3)]
        if len(coded) >= 2 * LINE:
            yield coded


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
    simple = {"\n": "n", "\r": "r", "\t": "t", "\f": "f", "\b": "b", "\\": r"\\"}
    if character in simple:
        escapes.append(re.escape(simple[character]) if character != "\\" else r"(?:\\)")
    elif not character.isalnum():
        escapes.append(re.escape(character))  # quoted for a shell, JSON or Markdown
    escapes += [r"\\+".join(_any_case(f"x{byte:02x}") for byte in data), r"\\+".join(f"{byte:03o}" for byte in data)]
    forms = [re.escape(character), r"\\+(?:" + "|".join(dict.fromkeys(escapes)) + ")"]
    forms.append("".join(_any_case(f"%{byte:02x}") for byte in data))
    forms += [re.escape(html.escape(character)), rf"&\#0*{code};", rf"&\#[xX]0*{_any_case(f'{code:x}')};"]
    if character in "'\"":
        forms += [character * 2, r"'\"'\"'", r"'\\''", "&apos;" if character == "'" else "&quot;"]
    if character == " ":
        forms.append(r"\+")
    if character in " \n":  # a line is wrapped at a space
        forms.append(r"\r?\n[ \t]*")
    if code > 127:  # what a console makes of bytes that are not UTF-8
        forms.append("\ufffd+")
    return "(?:" + "|".join(dict.fromkeys(forms)) + ")"


def _any_case(digits: str) -> str:
    """``digits`` with hexadecimal letters in either case; a leading letter that names the escape stays."""
    head, tail = (digits[0], digits[1:]) if digits[0] in "uUx%" else ("", digits)
    return re.escape(head) + "".join(
        f"[{digit.lower()}{digit.upper()}]" if digit in "abcdef" else re.escape(digit) for digit in tail
    )


def _least(secret: str) -> int:
    """The number of characters from which on a piece of a secret is hidden."""
    return LINE if len(secret) < 4 * LINE else LINE + 2


class _Pieces:
    """What a cut leaves of a secret: its beginning before the cut, its end after it, if they are long enough."""

    def __init__(self, secret: str) -> None:
        self._characters = [re.compile(_BETWEEN + _character_forms(character)) for character in secret]
        self._least = _least(secret)
        self._any = re.compile(_BETWEEN + "(?:" + "|".join(map(_character_forms, sorted(set(secret)))) + ")")
        self._beginning = re.compile(_forms(secret[: self._least]))

    @staticmethod
    @lru_cache(maxsize=32)
    def of(secret: str) -> _Pieces:
        return _Pieces(secret)

    def hide(self, text: str, ends: bool) -> str:
        if len(self._characters) <= LINE:
            return text
        return self._without_ends(self._without_beginnings(text, ends), ends)

    def _without_beginnings(self, text: str, ends: bool) -> str:
        kept, start, position = [], 0, 0
        while match := self._beginning.search(text, position):
            end = self._follow(text, match.end(), self._characters[self._least :])
            if (escape := _CUT_ESCAPE.match(text, end)) and self._is_cut(text, escape.end(), ends):
                end = escape.end()
            position = match.start() + 1
            if self._is_cut(text, end, ends):
                kept += [text[start : match.start()], HIDDEN]
                start = position = end
        return "".join([*kept, text[start:]])

    @staticmethod
    def _is_cut(text: str, end: int, ends: bool) -> bool:
        return bool(_BOUNDARY.match(text, end)) or (ends and not text[end:].strip("\"'\n"))

    def _without_ends(self, text: str, ends: bool) -> str:
        kept, start = [], 0
        for cut in [*([0] if ends else []), *(match.end() for match in _ELLIPSIS.finditer(text))]:
            if cut >= start and (end := self._end_after(text, cut)) > 0:
                kept += [text[start:cut], HIDDEN]
                start = end
        return "".join([*kept, text[start:]])

    def _end_after(self, text: str, cut: int) -> int:
        """Where the piece ends that begins at a ``cut``, or behind the rest of an escape there; -1 without one."""
        rest = _REST_OF_ESCAPE.match(text, cut)
        for begin in dict.fromkeys((cut, rest.end() if rest else cut)):
            for first in range(1, len(self._characters) - self._least + 1) if self._any.match(text, begin) else ():
                if (end := self._follow(text, begin, self._characters[first:], whole=True)) > 0:
                    return end
        return -1

    @staticmethod
    def _follow(text: str, position: int, characters: list[re.Pattern[str]], whole: bool = False) -> int:
        """Where the text of ``characters`` ends, as far as they are there; -1 if they must all be and are not."""
        for character in characters:
            match = character.match(text, position)
            if match is None:
                return -1 if whole else position
            position = match.end()
        return position
