"""Wrong behaviours, as data: what each does to the answers of a library that is right."""

from __future__ import annotations

from camrig.prove.faulty_copy import Change, Fault

_ORIGIN = "request.headers.get('Origin', '')"
_PREFLIGHT = "request.method == 'OPTIONS' and request.headers.get('Access-Control-Request-Method')"
_ALLOWED = "headers.get('Access-Control-Allow-Origin')"
_AC = "Access-Control-"
_GRANT = "headers['Access-Control-Allow-Origin'] = request.headers['Origin']"


def _without(header: str, condition: str = "True") -> str:
    return f"if {condition}:\n    headers.pop('{header}', None)"


def _with(header: str, value: str, condition: str) -> str:
    return f"if {condition}:\n    headers['{header}'] = {value}"


def _changed(header: str, value: str) -> str:
    """``value`` may use ``text``, what the header says."""
    return f"text = headers.get('{header}')\nif text:\n    headers['{header}'] = {value}"


def _grants(condition: str) -> str:
    """Allow the origin of a refused request; ``condition`` may use ``origin`` and ``listed``, a list."""
    return (
        f"origin = {_ORIGIN}\nlisted = self.allowed_origins\n"
        f"if origin and isinstance(listed, list) and origin not in listed and ({condition}):\n    {_GRANT}"
    )


def _refuses(condition: str) -> str:
    """Leave out the headers of an allowed request; ``condition`` may use ``origin`` and ``listed``."""
    return (
        f"origin = {_ORIGIN}\nlisted = self.allowed_origins\n"
        f"if {_ALLOWED} and ({condition}):\n"
        f"    for name in list(headers):\n"
        f"        if name.lower().startswith('access-control-'):\n            headers.pop(name)"
    )


_ANY = "any({} for entry in listed if entry)"

_AFTER = {
    # Origins that a list must refuse
    "any origin is allowed by a list": _grants("True"),
    "any origin is allowed by an empty list": _grants("not listed"),
    "origins are compared without regard to case": _grants(_ANY.format("origin.lower() == entry.lower()")),
    "a final slash of the origin is forgiven": _grants(_ANY.format("origin == entry + '/'")),
    "a prefix of a listed origin is allowed": _grants(_ANY.format("entry.startswith(origin)")),
    "a listed origin with a suffix is allowed": _grants(_ANY.format("origin.startswith(entry)")),
    "a suffix of a listed origin is allowed": _grants(_ANY.format("entry.endswith(origin)")),
    "a sub-domain of a listed origin is allowed": _grants(
        _ANY.format("origin.endswith('.' + entry.split('://')[-1])")
    ),
    "the scheme of the origin is ignored": _grants(_ANY.format("origin.split('://')[-1] == entry.split('://')[-1]")),
    "the port of the origin is ignored": _grants(_ANY.format("origin.rsplit(':', 1)[0] == entry")),
    "any character stands for a dot of the origin": _grants(
        _ANY.format("len(origin) == len(entry) and all(a == b or b == '.' for a, b in zip(origin, entry))")
    ),
    "the origin null is allowed by a list": _grants("origin == 'null'"),
    "an origin on plain http is allowed by a list": _grants("origin.startswith('http://')"),
    "a star in a list allows any origin": _grants("'*' in listed"),
    "refused origins get a star": f"if {_ORIGIN} and not {_ALLOWED}:\n    headers['{_AC}Allow-Origin'] = '*'",
    "no policy allows any origin": f"if self.allowed_origins is None and {_ORIGIN}:\n    {_GRANT}",
    "requests without an origin get a star": _with(
        _AC + "Allow-Origin", "'*'", f"not {_ORIGIN} and not {_ALLOWED} and self.allowed_origins"
    ),
    # Origins that it must allow
    "only the first listed origin is allowed": _refuses("isinstance(listed, list) and origin != listed[0]"),
    "the last listed origin is refused": _refuses(
        "isinstance(listed, list) and len(listed) > 1 and origin == listed[-1]"
    ),
    "origins with a port are refused": _refuses("origin.count(':') > 1"),
    "the origin null is refused though listed": _refuses("origin == 'null' and isinstance(listed, list)"),
    "origins longer than 32 characters are refused": _refuses("len(origin) > 32"),
    "pages are refused on preflights": _refuses(_PREFLIGHT),
    "pages are refused on actual responses": _refuses("request.method != 'OPTIONS'"),
    # Allow-Origin
    "the allowed origin is lower-cased": _changed(_AC + "Allow-Origin", "text.lower() + ' '"),
    "the allowed origin gets a final slash": _changed(_AC + "Allow-Origin", "text + '/'"),
    "an allowed origin is answered with a star": _with(
        _AC + "Allow-Origin", "'*'", f"{_ALLOWED} and isinstance(self.allowed_origins, list)"
    ),
    "the first listed origin is sent whoever asks": _changed(
        _AC + "Allow-Origin", "self.allowed_origins[0] if isinstance(self.allowed_origins, list) else text"
    ),
    "a star is sent in place of the reflected origin": _with(
        _AC + "Allow-Origin", "'*'", f"{_ALLOWED} and self.allowed_origins == '*'"
    ),
    "the origin is reflected with star and credentials": _with(
        _AC + "Allow-Origin",
        "request.headers['Origin']",
        f"{_ORIGIN} and self.allowed_origins == '*' and self.allow_credentials",
    ),
    # Credentials
    "credentials are never allowed": _without(_AC + "Allow-Credentials"),
    "credentials are always allowed": _with(_AC + "Allow-Credentials", "'true'", _ALLOWED),
    "credentials are allowed to refused origins": _with(
        _AC + "Allow-Credentials", "'true'", f"self.allow_credentials and not {_ALLOWED}"
    ),
    "credentials are written with a capital": _changed(_AC + "Allow-Credentials", "'True'"),
    "credentials are missing on preflights": _without(_AC + "Allow-Credentials", _PREFLIGHT),
    "credentials are missing on actual responses": _without(_AC + "Allow-Credentials", "request.method != 'OPTIONS'"),
    # Vary
    "vary is missing": _without("Vary"),
    "vary is missing on preflights": _without("Vary", _PREFLIGHT),
    "vary is missing on actual responses": _without("Vary", "request.method != 'OPTIONS'"),
    "vary is missing on errors": _without("Vary", "response.status_code >= 400"),
    "vary names another header": _changed("Vary", "'Accept'"),
    "vary names the origin twice": _changed("Vary", "text + ', Origin'"),
    "vary is always sent": "headers['Vary'] = 'Origin'",
    # Preflights
    "preflights are answered with 200": f"if {_PREFLIGHT} and response.status_code == 204:\n"
    "    response.status_code = 200",
    "preflights are answered with 403": f"if {_PREFLIGHT}:\n    response.status_code = 403",
    "refused preflights are answered with 403": f"if {_PREFLIGHT} and not {_ALLOWED}:\n"
    "    response.status_code = 403",
    "preflights have a body": f"if {_PREFLIGHT}:\n    response.body = b'ok'",
    "allow-methods is missing": _without(_AC + "Allow-Methods"),
    "allow-methods says GET whatever is requested": _changed(_AC + "Allow-Methods", "'GET'"),
    "allow-methods is lower-cased": _changed(_AC + "Allow-Methods", "text.lower()"),
    "allow-methods upper-cases patch": _changed(_AC + "Allow-Methods", "text.upper()"),
    "allow-methods lists a second method": _changed(_AC + "Allow-Methods", "text + ', TRACE'"),
    "a refused method is allowed": _with(
        _AC + "Allow-Methods", "request.headers['Access-Control-Request-Method']", f"{_PREFLIGHT} and {_ALLOWED}"
    ),
    "allow-methods is sent on actual responses": _with(
        _AC + "Allow-Methods", "'GET'", f"{_ALLOWED} and request.method != 'OPTIONS'"
    ),
    "allow-headers is missing": _without(_AC + "Allow-Headers"),
    "allow-headers leaves out the last name": _changed(_AC + "Allow-Headers", "', '.join(text.split(',')[:-1])"),
    "allow-headers is a star": _changed(_AC + "Allow-Headers", "'*'"),
    "allow-headers is sent back as requested": _with(
        _AC + "Allow-Headers",
        "request.headers['Access-Control-Request-Headers']",
        f"{_PREFLIGHT} and {_ALLOWED} and request.headers.get('Access-Control-Request-Headers')",
    ),
    "allow-headers is lower-cased": _changed(_AC + "Allow-Headers", "text.lower()"),
    "max-age is missing": _without(_AC + "Max-Age"),
    "max-age is one second short": _changed(_AC + "Max-Age", "str(int(text) - 1)"),
    "max-age is missing when it is 0": _without(_AC + "Max-Age", "headers.get('Access-Control-Max-Age') == '0'"),
    "max-age is sent on actual responses": _with(_AC + "Max-Age", "'60'", f"{_ALLOWED} and request.method == 'GET'"),
    "max-age is sent without a value": _with(_AC + "Max-Age", "'5'", f"{_PREFLIGHT} and self.max_age is None"),
    # Other responses
    "expose-headers is missing": _without(_AC + "Expose-Headers"),
    "expose-headers names only the first": _changed(_AC + "Expose-Headers", "text.split(',')[0]"),
    "expose-headers is a star": _changed(_AC + "Expose-Headers", "'*'"),
    "not found has no CORS headers": _refuses("response.status_code == 404"),
    "method not allowed has no CORS headers": _refuses("response.status_code == 405"),
    "a server error has no CORS headers": _refuses("response.status_code == 500"),
    "redirects have no CORS headers": _refuses("300 <= response.status_code < 400"),
    "HEAD has no CORS headers": _refuses("request.method == 'HEAD'"),
    "private network access is allowed": _with(_AC + "Allow-Private-Network", "'true'", _PREFLIGHT),
}

BEHAVIOUR_FAULTS = tuple(Fault("behaviour", name, Change(after_response=code)) for name, code in _AFTER.items())
