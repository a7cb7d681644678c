"""Whether a cookie that a board sets comes back with a page's request from another site.

After RFC 6265bis, section 5, as browsers have it: without SameSite a cookie counts as Lax, and None needs Secure.
"""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def kept_home(cookie: str, origin: str, url: str) -> str:
    """Why the cookie of a ``Set-Cookie`` header does not come with ``fetch(url, {credentials: "include"})`` of a page
    of ``origin``; empty if it does."""
    attributes = dict(_attribute(part) for part in cookie.split(";")[1:])
    page, board = urlsplit(origin), urlsplit(url)
    secure = "secure" in attributes
    if secure and board.scheme != "https" and (board.hostname or "").lower() not in LOOPBACK:
        return "it is Secure, and the board is http: no browser keeps it"
    same_site = attributes.get("samesite", "").lower()
    if same_site == "none" and not secure:
        return "SameSite=None without Secure: browsers drop it"
    if (page.scheme, (page.hostname or "").lower()) == (board.scheme, (board.hostname or "").lower()):
        return ""
    if same_site == "none":
        return ""
    if same_site == "strict":
        return "SameSite=Strict: not sent from another site"
    return f"SameSite={'Lax' if same_site == 'lax' else 'Lax by default'}: not sent by fetch() from another site"


def name_of(cookie: str) -> str:
    """The name alone: the value may be a secret."""
    return cookie.partition(";")[0].partition("=")[0].strip()


def _attribute(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip()
