"""A secret is found in every form in which it may be printed, and nothing else is."""

from __future__ import annotations

import html
import json
import pprint
import urllib.parse

import pytest
from camrig.redaction import HIDDEN, child_environment, hide, visible
from hypothesis import given
from hypothesis import strategies as st

SECRETS = [
    "correct horse battery", "p@ss/w+rd%20", 'quo"te\'s both', "back\\slash\\n", "tab\there", "umlaut-ÄÖü€",
    "emoji-😀-x", "line one of it\nline two of it", "<b>&amp;", "{json: [1]}", "\\x41\\u0042", "12345678",
    "nul\x00l-byte", "日本語の合言葉",
]  # fmt: skip
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
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: ascii(secret)[:20])
def test_a_secret_is_hidden_in_every_form(form, secret):
    text = FORMS[form](secret)
    hidden = hide(f"before {text} after", [secret])
    assert HIDDEN in hidden
    assert text not in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


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
