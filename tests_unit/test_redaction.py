"""A secret is found in every form in which it may be printed, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import pprint
import shlex
import unicodedata
import urllib.parse

import pytest
from camrig import redaction
from camrig.redaction import HIDDEN, child_environment, hidden, hide, one_line, register, visible, visible_in_colour
from hypothesis import example, given
from hypothesis import strategies as st

SECRETS = [
    "correct horse battery", "p@ss/w+rd%20", 'quo"te\'s both', "back\\slash\\n", "tab\there", "umlaut-ÄÖü€",
    "emoji-😀-x", "line one of it\nline two of it", "<b>&amp;", "{json: [1]}", "\\x41\\u0042", "12345678",
    "nul\x00l-byte", "日本語の合言葉",
]  # fmt: skip


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Only the secrets of a test itself are hidden, not what other tests have registered in this process."""
    monkeypatch.setattr(redaction, "_secrets", set())


FORMS = {
    "plain": str,
    "repr": repr,
    "repr of a tuple": lambda text: repr((text, 1)),
    "repr of its repr": lambda text: repr(repr(text)),
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode()),
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"password": text})),
    "URL": urllib.parse.quote,
    "URL, every character": lambda text: urllib.parse.quote(text, safe=""),
    "URL, lower case": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "form": urllib.parse.quote_plus,
    "HTML": html.escape,
    "hexadecimal escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "capital escapes": lambda text: "".join(f"\\x{byte:02X}" for byte in text.encode()),
    "four-digit escapes": lambda text: "".join(
        f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}" for character in text
    ),
    "numeric entities": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "pretty": lambda text: pprint.pformat({"password": text}, width=1000),
    "serial line": lambda text: text.replace("\n", "\r\n"),
    "bytearray": lambda text: repr(bytearray(text.encode())),
    "octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "shell": shlex.quote,
    "table": lambda text: '"' + text.replace('"', '""') + '"',
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a pair": lambda text: base64.urlsafe_b64encode(f"lab:{text}".encode()).decode(),
    "digits": lambda text: text.encode().hex(),
    "digits with spaces": lambda text: text.encode().hex(" ").upper(),
    "numbers of bytes": lambda text: repr(list(text.encode())),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
}
# Where it is printed over several lines, or in colours: not for secrets that have control characters of their own.
LAYOUTS = {
    "narrow console": lambda text: "\r\n".join(text[at : at + 8] for at in range(0, len(text), 8)),
    "coloured": lambda text: "\x1b[31m".join([text[:4], text[4:]]),
    "erased": lambda text: "\x00".join(text),
}
CUTS = {
    "beginning": lambda text: (f"a value: {text[:-2]}", ""),
    "end": lambda text: (f"{text[2:]} was the value", ""),
    "beginning before an ellipsis": lambda text: (f"{{'password': '{text[:-3]}...", "and more"),
    "both sides of an ellipsis": lambda text: (f"'{text[:7]}...{text[-7:]}'", ""),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: ascii(secret)[:20])
def test_a_secret_is_hidden_in_every_form(form, secret):
    text = FORMS[form](secret)
    shown = hide(f"before {text} after", [secret])
    assert HIDDEN in shown
    assert text not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("secret", [secret for secret in SECRETS if min(secret) >= " "], ids=ascii)
def test_a_secret_is_hidden_however_it_is_laid_out(layout, secret):
    assert hide(f"before {LAYOUTS[layout](secret)} after", [secret]) == f"before {HIDDEN} after"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    "secret", ["correct horse battery", "k" * 31 + "0" * 32, "0123456789abcdef" * 4, "ÄÖü€-12345678"]
)
def test_a_cut_leaves_no_piece_of_a_secret(cut, secret):
    text, rest = CUTS[cut](secret)
    shown = hide(text + rest, [secret], cut=True)
    assert HIDDEN in shown
    assert secret[2:8] not in shown
    assert secret[-7:-3] not in shown


@pytest.mark.parametrize("text", ["wrong password", "the password is wrong", "pass", "'password': 1, ...", "a...b"])
def test_a_word_that_a_secret_begins_with_stays_inside_a_text(text):
    assert hide(text, ["password123"]) == text


def test_names_of_fields_stay_unless_they_come_from_elsewhere():
    data = {"recovery": ["recovery", 12345678], "passed": "recovery"}
    register("recovery")
    try:
        assert hidden(data) == {"recovery": [HIDDEN, 12345678], "passed": HIDDEN}
        assert hidden(data, names=True) == {HIDDEN: [HIDDEN, 12345678], "passed": HIDDEN}
    finally:
        redaction._secrets.discard("recovery")


@pytest.mark.parametrize("secret", ["\n" * 8 + "x", "a" * 63, ".*+?()[]{}|^$\\", "\\" * 40])
def test_no_secret_makes_the_search_endless(secret):
    for text in ("\n" * 3000, "a\n" * 30_000, "\\" * 3000, "..." * 3000):
        assert secret not in hide(text + "!", [secret], cut=True) or secret in text


def test_colours_of_a_test_stay_and_nothing_else_acts_on_a_terminal():
    assert visible_in_colour("\x1b[31mred\x1b[0m\x1b[2J\x07") == "\x1b[31mred\x1b[0m\\x1b[2J\\x07"
    assert visible("\u202eabc") == "\\u202eabc"


@pytest.mark.parametrize("line", ["line one of it", "line two of it"])
def test_each_line_of_a_secret_is_hidden(line):
    assert line not in hide(f"x {line} y", ["line one of it\nline two of it"])


@given(st.text(min_size=8, max_size=63), st.sampled_from(sorted(FORMS)))
def test_any_secret_is_hidden_in_every_form(secret, form):
    text = FORMS[form](secret)
    assert text not in hide(f"[{text}]", [secret]) or set(text) <= set("*[]")


@given(st.text(max_size=200))
def test_text_without_the_secret_stays(text):
    assert hide(text, ["a secret that no text has"]) == text


def test_without_secrets_nothing_is_hidden():
    assert hide("text") == "text"
    assert hide("text", [""]) == "text"


@given(st.text())
def test_no_control_character_reaches_a_terminal(text):
    assert not [character for character in visible(text) if ord(character) < 32 and character not in "\n\t"]
    assert "\x1b" not in visible(text)
    assert "\x9b" not in visible(text)


def test_a_child_process_does_not_get_the_password():
    environment = {"PATH": "/bin", "CAMRIG_WIFI_PASSWORD": "x", "CAMRIG_WIFI_SSID": "lab"}
    assert child_environment(environment) == {"PATH": "/bin", "CAMRIG_WIFI_SSID": "lab"}


NEAR = st.text(alphabet=" xX0,:…abAB19\n\"'-_=+/.\\%&\x1b[", max_size=6)


def disguises(secret: str, some: int) -> list[str]:
    """``secret`` plain, as numbers of its bytes, as base64 in a longer text, cut off, and with ``some`` escapes."""
    data = secret.encode()
    escaped = [f"\\x{ord(letter):02x}" if index % some == 0 else letter for index, letter in enumerate(secret)]
    return [
        secret,
        "\n".join(secret),
        data.hex(":"),
        data.hex(" ").upper(),
        ", ".join(f"0x{byte:02X}" for byte in data),
        " ".join(f"{byte:03}" for byte in data),
        *(base64.b64encode(b"ab"[:n] + data + b"c").decode().replace("/", "\\/") for n in range(3)),
        f"{secret[: 2 + len(secret) // 2]}…",
        f"…{secret[len(secret) // 3 :]}",
        secret[: 2 + len(secret) // 2],
        secret[len(secret) // 3 :],
        unicodedata.normalize("NFD", secret),
        "".join(escaped),
        "".join(escaped[: 3 + len(secret) // 2]),
        "".join(escaped[len(secret) // 3 :]),
        urllib.parse.quote(secret),
        html.escape(secret),
        "\x1b[31m".join([secret[:some], secret[some:]]),
    ]


@given(
    secret=st.text(alphabet="ab0xX19 é-+/\n'", min_size=5, max_size=20),
    number=st.integers(0, 19),
    some=st.integers(1, 19),
    around=st.tuples(NEAR, st.sampled_from(["", "long and harmless " * 3]), NEAR),
    cut=st.booleans(),
)
@example(secret="1234567890123456", number=14, some=9, around=("", "", ""), cut=False)
def test_no_form_is_missed_for_the_sake_of_speed(secret, number, some, around, cut):
    before, far, after = around
    text = far + before + disguises(secret, some)[number] + after + far
    quick = hide(text, [secret], cut=cut)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_may_hold", lambda text, secrets: True)
        patch.setattr(redaction, "_may_hold_piece", lambda text, secret: True)
        assert hide(text, [secret], cut=cut) == quick


def test_no_pattern_is_made_for_a_text_that_holds_nothing_like_a_secret():
    before = redaction._pattern.cache_info().misses, redaction._Pieces.of.cache_info().misses
    text = "and so on " * 10
    for line in ("  connect     0.06 s  /dev/ttyUSB0 …", f"{text}C:\\x{text}"):
        assert hide(line, ["never-in-any-text-of-a-run"], cut=True) == line
    assert (redaction._pattern.cache_info().misses, redaction._Pieces.of.cache_info().misses) == before


@given(st.text())
def test_one_line_is_one_line_whatever_a_board_says(text):
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("\n\t\r\x1b\x85\x9b\u2028\u202e")
