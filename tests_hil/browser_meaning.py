"""What a policy means for a page: may it see the answer, and which preflight requests come first.

This is what the user meant, read from the policy alone; it knows nothing of headers that a board has sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from camrig.probe.fetch_cors import needs_preflight, unsafe_header_names
from camrig.probe.fetch_request import PageRequest

DEFAULT_MAX_AGE = 5  # seconds, where a policy has none
# What a page may always read, and never.
READABLE = frozenset(
    ("cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma")
)
SECRET = frozenset(("set-cookie", "set-cookie2"))
ALLOWED, BLOCKED, THROWS = "allowed", "blocked", "throws"


def meaning(policy: Mapping[str, Any], request: PageRequest, preflighted: bool | None = None) -> str:
    """Whether a page may see the answer to its request. ``preflighted`` is whether a browser asks first, if that is
    known better than the standard says."""
    if not origin_allowed(policy, request.origin):
        return BLOCKED
    if request.credentials == "include" and not credentials_allowed(policy):
        return BLOCKED
    if needs_preflight(request) if preflighted is None else preflighted:
        return ALLOWED if preflight_granted(policy, request) else BLOCKED
    return ALLOWED


def origin_allowed(policy: Mapping[str, Any], origin: str) -> bool:
    origins = policy["allowed_origins"]
    if origins == "*":
        return True
    return origin in ([origins] if isinstance(origins, str) else origins or [])


def credentials_allowed(policy: Mapping[str, Any]) -> bool:
    """No browser sends credentials to whoever allows them to all."""
    return bool(policy["allow_credentials"]) and policy["allowed_origins"] != "*"


def preflight_granted(policy: Mapping[str, Any], request: PageRequest) -> bool:
    """A preflight request is granted if its method is, and each of its headers."""
    if not _listed(request.sent_method, policy["allowed_methods"]):
        return False
    return all(_listed(name, policy["allowed_headers"]) for name in unsafe_header_names(request.sent_headers))


def readable(policy: Mapping[str, Any], present: frozenset[str], with_credentials: bool) -> frozenset[str]:
    """Which of the headers that are ``present``, in lower case, a page may read of an answer that it may see."""
    names = policy["expose_headers"] or ()
    exposed = {name.lower() for name in ([names] if isinstance(names, str) else names)}
    if "*" in exposed and not with_credentials:
        exposed |= present
    return present & (exposed | READABLE) - SECRET


def _listed(word: str, words: list[str] | None) -> bool:
    return words is None or word.lower() in [entry.lower() for entry in words]
