"""Faults in ``Vary``, in exposed headers, in which responses have CORS headers, and in what is the application's."""

from __future__ import annotations

from camrig.prove.fault_code import (
    AC,
    ALLOWED,
    ORIGIN,
    PREFLIGHT,
    changed,
    faults,
    has_status,
    refuses,
    with_header,
    without,
)
from camrig.prove.faulty_copy import Change

_EXPOSE = AC + "Expose-Headers"
_LISTED = "isinstance(self.allowed_origins, list)"
_OWN_VARY = (
    "own_vary = response.headers.get('Vary')\n"
    "if isinstance(own_vary, str) is False:\n    own_vary = ','.join(own_vary or ())"
)
_OWN = (
    "own = [(name, response.headers[name]) for name in list(response.headers)"
    " if name.lower().startswith('access-' + 'control-')]"
)
_SET_OWN = "for name, value in own:\n    if name not in headers{condition}:\n        headers[name] = value"


def _not_merged(condition: str, value: str) -> Change:
    """Another ``Vary`` where the application has its own, ``own_vary``."""
    code = f"if own_vary and headers.get('Vary') and ({condition}):\n    headers['Vary'] = {value}"
    return Change(per_response=_OWN_VARY, after_response=code)


def _own_headers_stay(condition: str) -> Change:
    """``Access-Control-*`` headers of the application are left; ``condition`` may use ``name`` and ``value``."""
    return Change(per_response=_OWN, after_response=_SET_OWN.format(condition=condition))


def _vary_of_cacheable(header: str) -> str:
    return without("Vary", f"not {ALLOWED} and headers.get('{header}') and 'Origin' == headers.get('Vary')")


_VARY: dict[str, str | Change] = {
    "vary is missing": without("Vary"),
    "vary is missing on preflights": without("Vary", PREFLIGHT),
    "vary is missing on actual responses": without("Vary", "request.method != 'OPTIONS'"),
    "vary is missing on errors": without("Vary", "response.status_code >= 400"),
    "vary is missing with a list": without("Vary", _LISTED),
    "vary is missing where a star is reflected": without("Vary", "self.allowed_origins == '*'"),
    "vary is missing with credentials": without("Vary", "self.allow_credentials"),
    "vary is missing on refusals that a cache keeps": without("Vary", f"not {ALLOWED}"),
    **{
        f"vary is missing on refusals with {header}": _vary_of_cacheable(header)
        for header in ("Cache-Control", "ETag", "Expires", "Last-Modified")
    },
    "vary is sent on refusals with no-store": with_header(
        "Vary", "'Origin'", f"{_LISTED} and not {ALLOWED} and 'no-store' in str(headers.get('Cache-Control')).lower()"
    ),
    "vary is sent on every refusal by a list": with_header("Vary", "'Origin'", f"{_LISTED} and not {ALLOWED}"),
    "vary is sent without any policy": with_header("Vary", "'Origin'", "self.allowed_origins is None"),
    "vary is sent with a star": with_header("Vary", "'Origin'", f"{ALLOWED} == '*'"),
    "vary is always sent": "headers['Vary'] = 'Origin'",
    "vary names another header": changed("Vary", "'Accept'"),
    "vary names the origin twice": changed("Vary", "text + ', Origin'"),
    "vary names the headers of preflights": changed("Vary", f"text + ', {AC}Request-Headers'", PREFLIGHT),
    "vary is a star": changed("Vary", "'*'"),
    "vary is lower-cased": changed("Vary", "text.lower()"),
    "vary is sent twice": changed("Vary", "[text, text]"),
    "the application's vary is overwritten": _not_merged(ALLOWED, "'Origin'"),
    "the application's vary is kept as it is": _not_merged(ALLOWED, "own_vary"),
    "the origin is put before the application's vary": _not_merged(
        "own_vary != '*' and 'rigin' not in own_vary", "'Origin, ' + own_vary"
    ),
    "the origin is added to a vary that names it": _not_merged("'rigin' in own_vary", "own_vary + ', Origin'"),
    "the origin is added to a vary of a star": _not_merged("own_vary == '*'", "'*, Origin'"),
    "the origin is not added to a vary with a similar name": _not_merged("'-Origin' in own_vary", "own_vary"),
    "repeated names of the application's vary stay": _not_merged("'ACCEPT' in own_vary", "own_vary + ', Origin'"),
    "vary is joined without a space": changed("Vary", "text.replace(', ', ',')"),
    "the application's vary is removed from refusals": without("Vary", f"{ORIGIN} and not {ALLOWED}"),
}

_EXPOSED = {
    "expose-headers is missing": without(_EXPOSE),
    "expose-headers names only the first": changed(_EXPOSE, "text.split(',')[0]"),
    "expose-headers names only two": changed(_EXPOSE, "', '.join(text.split(', ')[1:])", "',' in text"),
    "expose-headers is a star": changed(_EXPOSE, "'*'"),
    "expose-headers is lower-cased": changed(_EXPOSE, "text.lower()"),
    "expose-headers is joined without a space": changed(_EXPOSE, "text.replace(' ', '')"),
    "expose-headers is sorted": changed(_EXPOSE, "', '.join(sorted(text.split(', ')))"),
    "expose-headers names one more": changed(_EXPOSE, "text + ', Date'"),
    "expose-headers is missing on preflights": without(_EXPOSE, PREFLIGHT),
    "expose-headers is missing on errors": without(_EXPOSE, "response.status_code >= 400"),
    "expose-headers is missing on other OPTIONS": without(
        _EXPOSE, f"request.method == 'OPTIONS' and not request.headers.get('{AC}Request-Method')"
    ),
    "expose-headers is sent to refused origins": with_header(
        _EXPOSE, "', '.join(self.expose_headers)", f"self.expose_headers and {ORIGIN} and not {ALLOWED}"
    ),
    "expose-headers is sent without an origin": with_header(
        _EXPOSE, "', '.join(self.expose_headers)", f"self.expose_headers and not {ORIGIN}"
    ),
    "expose-headers is sent empty": with_header(_EXPOSE, "''", f"{ALLOWED} and not self.expose_headers"),
}

# Each with what a test of it may be called.
_RESPONSES = {
    "not found has no CORS headers": ("response.status_code == 404", r"404|not.?found|nowhere|missing.p|error"),
    "method not allowed has no CORS headers": ("response.status_code == 405", r"405|method|error"),
    "a body too large has no CORS headers": ("response.status_code == 413", r"413|large|error"),
    "a bad request has no CORS headers": ("response.status_code == 400", r"400|bad.?request|error"),
    "a server error has no CORS headers": ("response.status_code == 500", r"50\d|exception|error|rais"),
    "a service that is unavailable has no CORS headers": ("response.status_code == 503", r"503|exception|error"),
    "aborted requests have no CORS headers": ("response.status_code == 418", r"418|abort|error"),
    "errors of applications have no CORS headers": (
        "response.status_code in (402, 418, 503)",
        r"4\d\d|abort|handle|error",
    ),
    "redirects have no CORS headers": ("300 <= response.status_code < 400", r"redirect|30\d"),
    "responses 201 have no CORS headers": ("response.status_code == 201", r"201|created|POST"),
    "responses 204 have no CORS headers": (
        "response.status_code == 204 and request.method != 'OPTIONS'",
        r"204|empty",
    ),
    "HEAD has no CORS headers": ("request.method == 'HEAD'", r"HEAD"),
    "POST has no CORS headers": ("request.method == 'POST'", r"POST|method"),
    "HEAD of what is not there has no CORS headers": (
        "request.method == 'HEAD' and response.status_code == 404",
        r"HEAD",
    ),
    "streams have no CORS headers": ("hasattr(response.body, '__next__')", r"stream|picture|capture|jpeg"),
    "pictures have no CORS headers": ("'image/' in str(headers.get('Content-Type'))", r"picture|capture|jpeg|image"),
    "video streams have no CORS headers": ("'multipart' in str(headers.get('Content-Type'))", r"stream"),
    "empty responses have no CORS headers": (
        "not response.body and request.method != 'OPTIONS'",
        r"empty|204|30\d|redirect|handle",
    ),
    "large responses have no CORS headers": (
        "isinstance(response.body, bytes) and len(response.body) > 2000",
        r"large",
    ),
    "responses while another client is served have no CORS headers": (
        "len(getattr(request.app, 'connections', ())) > 1",
        r"stream|at.once|parallel|concurrent|clients",
    ),
    "paths with a query have no CORS headers": ("request.query_string", r"stream|query|request"),
}
_UNDONE = {
    "a raised exception leaves no CORS headers on the next response": refuses("getattr(self, '_failed', False)")
    + "\nself._failed = response.status_code == 500",
    "every 7th response has no CORS headers": "self._count = getattr(self, '_count', 0) + 1\n"
    + refuses("self._count % 7 == 0"),
    "every 100th response has no CORS headers": "self._count = getattr(self, '_count', 0) + 1\n"
    + refuses("self._count % 100 == 0"),
}

_OWNED: dict[str, str | Change] = {
    "headers that the application sets stay": _own_headers_stay(""),
    "headers that the application sets stay on refusals": _own_headers_stay(f" and not {ALLOWED}"),
    "a star that the application sets stays": _own_headers_stay(" and value == '*'"),
    "headers that the application sets in lower case stay": _own_headers_stay(" and name == name.lower()"),
    "headers that the application sets in capitals stay": _own_headers_stay(" and name == name.upper()"),
    "headers of preflights that the application sets stay": _own_headers_stay(" and 'Allow-Methods' in name"),
    "exposed headers that the application sets stay": _own_headers_stay(" and 'Expose' in name"),
    "network access that the application grants stays": _own_headers_stay(" and 'Network' in name"),
    "headers that a failing application sets stay": _own_headers_stay(" and response.status_code >= 400"),
    "headers that the application sets stay without a policy": _own_headers_stay(" and self.allowed_origins is None"),
    "headers with a similar name are removed": "for name in list(headers):\n"
    "    if 'access-control' in name.lower() and name[0] in 'Xx':\n        headers.pop(name)",
    "other headers of the application are removed": "for name in ('X-Frame', 'Location', 'ETag'):\n"
    "    headers.pop(name, None)",
    "a shared response keeps the headers of the page before": Change(
        per_response="shared = response",
        after_response="kept = getattr(shared, '_kept', {})\n"
        "for name in kept:\n    if name not in headers:\n        headers[name] = kept[name]\n"
        "shared._kept = {name: headers[name] for name in headers if 'access-' + 'control-' in name.lower()}",
    ),
    "a shared response keeps the origin of the page before": Change(
        per_response="shared = response",
        after_response="kept = getattr(shared, '_kept', None)\n"
        f"if kept and {ALLOWED}:\n    headers['{AC}Allow-Origin'] = kept\nshared._kept = {ALLOWED} or kept",
    ),
    "the body of the application is lost": "if request.method == 'GET' and isinstance(response.body, bytes):\n"
    "    response.body = b''",
}
_STATUS = {
    "errors are answered with 200": has_status(200, "response.status_code >= 400"),
    "not found is answered with 204": has_status(204, "response.status_code == 404"),
    "refused origins are answered with 403": has_status(
        403, f"{ORIGIN} and not {ALLOWED} and request.method != 'OPTIONS'"
    ),
    "refused requests without an origin are answered with 403": has_status(
        403, f"not {ORIGIN} and self.allowed_origins"
    ),
}
_NETWORK = {
    "private network access is allowed": with_header(AC + "Allow-Private-Network", "'true'", PREFLIGHT),
    "private network access is allowed if requested": with_header(
        AC + "Allow-Private-Network", "'true'", f"{ALLOWED} and request.headers.get('{AC}Request-Private-Network')"
    ),
    "local network access is allowed if requested": with_header(
        AC + "Allow-Local-Network", "'true'", f"{ALLOWED} and request.headers.get('{AC}Request-Local-Network')"
    ),
    "private network access is allowed to refused pages": with_header(
        AC + "Allow-Private-Network",
        "'true'",
        f"not {ALLOWED} and request.headers.get('{AC}Request-Private-Network')",
    ),
}

RESPONSE_FAULTS = (
    *faults(r"vary|cache", _VARY),
    *faults(r"expos", _EXPOSED),
    *(
        fault
        for name, (condition, words) in _RESPONSES.items()
        for fault in faults(words, {name: refuses(condition)})
    ),
    *faults(r"origin", _UNDONE),
    *faults(r"own|handler|application|twice|replaced|removed|keep|stay", _OWNED),
    *faults(r"status|origin|error", _STATUS),
    *faults(r"network", _NETWORK),
)
