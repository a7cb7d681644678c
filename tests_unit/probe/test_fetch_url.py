"""URLs as the URL standard reads them; a browser reads many more alike in browser/test_oracle_agrees.py."""

from __future__ import annotations

import pytest
from camrig.probe.fetch_url import parse_url

BASE = "http://192.168.4.1:8080/a/b?c"


@pytest.mark.parametrize(
    ("text", "url", "origin"),
    [
        ("y", "http://192.168.4.1:8080/a/y", "http://192.168.4.1:8080"),
        ("", BASE, "http://192.168.4.1:8080"), ("#f", f"{BASE}#f", "http://192.168.4.1:8080"),
        ("\t/x\n y ", "http://192.168.4.1:8080/x y", "http://192.168.4.1:8080"),
        ("\\x", "http://192.168.4.1:8080/x", "http://192.168.4.1:8080"),
        ("/\\h/x", "http://h/x", "http://h"), ("http:///h", "http://h", "http://h"),
        ("http:x", "http://192.168.4.1:8080/a/x", "http://192.168.4.1:8080"), ("https:x", "https://x", "https://x"),
        ("http://0xC0A80401:8080/", "http://0xC0A80401:8080/", "http://192.168.4.1:8080"),
        ("http://192.168.1025", "http://192.168.1025", "http://192.168.4.1"),
        ("http://%31.2.3.4", "http://%31.2.3.4", "http://1.2.3.4"), ("http://010.0.0.1", "http://010.0.0.1", "http://8.0.0.1"),
        ("http://[FE80:0::1]:80/", "http://[FE80:0::1]:80/", "http://[fe80::1]"),
        ("https://h:0443", "https://h:0443", "https://h"), ("https://h:80", "https://h:80", "https://h:80"),
        ("http://h:0", "http://h:0", "http://h:0"), ("http://h?@g", "http://h?@g", "http://h"),
        ("data:,x", "data:,x", "null"), ("ws://h/x", "ws://h/x", "null"),
    ],
)  # fmt: skip
def test_url_and_its_origin(text, url, origin):
    assert (parse_url(text, BASE).text, parse_url(text, BASE).origin) == (url, origin)


@pytest.mark.parametrize(
    ("text", "has_credentials"),
    [
        ("http://h/", False),
        ("http://@h/", False),
        ("http://:@h/", False),
        ("http://u@h/", True),
        ("http://:p@h/", True),
    ],
)
def test_an_empty_user_without_a_password_is_none(text, has_credentials):
    assert parse_url(text).has_credentials is has_credentials


@pytest.mark.parametrize(
    "text",
    [
        "http://", "http:///", "http://?x", "http://a b", "http://a<b", "http://a%00b", "http://%zz", "http://[::1",
        "http://[::1]x", "http://[::1%25eth0]", "http://256.1.1.1", "http://1.2.3.4.5", "http://4294967296",
        "http://1.2.3.09", "http://1..2", "http://h:65536", "http://h:x", "http://h:-1", "http://h:1:2",
    ],
)  # fmt: skip
def test_text_that_is_not_a_url(text):
    with pytest.raises(ValueError):
        parse_url(text, BASE)
