"""Faults in the answers to preflight requests, and to ``OPTIONS`` requests that are none."""

from __future__ import annotations

from camrig.prove.fault_code import (
    AC,
    ALLOWED,
    NAMES,
    ORIGIN,
    PREFLIGHT,
    changed,
    faults,
    has_status,
    strips,
    with_header,
    without,
)

_METHODS, _HEADERS, _MAX_AGE = AC + "Allow-Methods", AC + "Allow-Headers", AC + "Max-Age"
_METHOD = f"request.headers.get('{AC}Request-Method', '')"
_OTHER_OPTIONS = f"request.method == 'OPTIONS' and not ({_METHOD} and {ORIGIN})"
_GRANTED = f"{PREFLIGHT} and {ALLOWED} and headers.get('{_METHODS}')"
_REFUSED_METHOD = f"{PREFLIGHT} and {ALLOWED} and not headers.get('{_METHODS}')"
_LIST = "(self.allowed_headers or [])"
_REQUESTED = f"[name.strip() for name in {NAMES}.split(',')]"


def _status(status: int, condition: str = "True") -> str:
    return has_status(status, f"{PREFLIGHT} and {ORIGIN} and ({condition})")


def _grants_method(condition: str) -> str:
    """Grant a method that the policy refuses; ``condition`` may use ``method`` and ``listed``."""
    return (
        f"method = {_METHOD}\nlisted = self.allowed_methods\n"
        f"if {PREFLIGHT} and {ALLOWED} and not headers.get('{_METHODS}') and ({condition}):\n"
        f"    headers['{_METHODS}'] = method"
    )


def _refuses_method(condition: str) -> str:
    """Refuse a method that the policy grants; ``condition`` may use ``method`` and ``listed``."""
    names = f"('{_METHODS}', '{_HEADERS}', '{_MAX_AGE}')"
    return (
        f"method = {_METHOD}\nlisted = self.allowed_methods\n"
        f"if {_GRANTED} and ({condition}):\n    for name in {names}:\n        headers.pop(name, None)"
    )


def _grants_headers(condition: str) -> str:
    """Grant names that the policy refuses; ``condition`` may use ``name`` and ``listed``, in lower case."""
    return (
        f"listed = [entry.lower() for entry in {_LIST}]\n"
        f"if {_GRANTED} and {NAMES}:\n"
        f"    granted = headers.get('{_HEADERS}', '')\n"
        f"    names = [name for name in {_REQUESTED} if name and name not in granted.replace(',', ' ').split()]\n"
        f"    names = [name for name in names if {condition}]\n"
        f"    if names:\n        headers['{_HEADERS}'] = ', '.join(([granted] if granted else []) + names)"
    )


def _refuses_headers(condition: str) -> str:
    """Leave out names that the policy grants; ``condition`` may use ``name`` and ``names``, all that are granted."""
    return (
        f"text = headers.get('{_HEADERS}')\nif text:\n"
        f"    names = [name.strip() for name in text.split(',')]\n"
        f"    names = [name for name in names if not ({condition})]\n"
        f"    headers.pop('{_HEADERS}')\n"
        f"    if names:\n        headers['{_HEADERS}'] = text if len(names) > text.count(',') else ', '.join(names)"
    )


_ANSWERS = {
    "preflights are answered with 200": _status(200, "response.status_code == 204"),
    "preflights are answered with 403": _status(403),
    "preflights are answered with 405": _status(405),
    "refused preflights are answered with 403": _status(403, f"not {ALLOWED}"),
    "refused preflights are answered with 200": _status(200, f"not {ALLOWED}"),
    "preflights with a refused method are answered with 405": _status(
        405, f"{ALLOWED} and not headers.get('{_METHODS}')"
    ),
    "preflights with credentials are answered with 401": _status(401, "self.allow_credentials"),
    "preflights of unknown paths are answered with 404": _status(
        404, "not any(route[1].match(request.path) is not None for route in request.app.url_map)"
    ),
    "preflights without an OPTIONS handler are answered with 404": _status(
        404, "request.app.options_handler is None and request.route is None"
    ),
    "the status of preflights cannot be set": f"if {PREFLIGHT} and {ORIGIN} and self.preflight_status == 200"
    " and not response.body:\n    response.status_code = 204",
    "preflights have a body": f"if {PREFLIGHT}:\n    response.body = b'ok'",
    "preflights have a reason of their own": f"if {PREFLIGHT} and response.status_code == 204:\n"
    "    response.reason = 'Allowed'",
    "preflights have a content length": with_header(
        "Content-Length", "'0'", f"{PREFLIGHT} and response.status_code == 204"
    ),
    "preflights have no CORS headers": strips(PREFLIGHT),
    "a requested method without OPTIONS makes a preflight": with_header(
        _METHODS, _METHOD, f"{_METHOD} and {ALLOWED} and request.method != 'OPTIONS'"
    ),
    "OPTIONS with requested headers is a preflight": with_header(
        _HEADERS, NAMES, f"{_OTHER_OPTIONS} and {NAMES} and {ALLOWED}"
    ),
    "OPTIONS without a method is answered with 204": has_status(204, f"{_OTHER_OPTIONS} and {ORIGIN}"),
    "OPTIONS without an origin is answered with 204": has_status(204, f"{_OTHER_OPTIONS} and not {ORIGIN}"),
    "OPTIONS with an empty method is answered with 204": has_status(
        204, f"{_OTHER_OPTIONS} and {ORIGIN} and request.headers.get('{AC}Request-Method') == ''"
    ),
    "OPTIONS without a method has no CORS headers": strips(f"{_OTHER_OPTIONS} and {ORIGIN}"),
    "OPTIONS has no list of methods": without("Allow", f"{_OTHER_OPTIONS} and {ORIGIN}"),
    "OPTIONS without a method says max-age": with_header(
        _MAX_AGE, "'600'", f"{_OTHER_OPTIONS} and {ORIGIN} and {ALLOWED}"
    ),
    "OPTIONS without a method says allow-methods": with_header(_METHODS, "'GET'", f"{_OTHER_OPTIONS} and {ALLOWED}"),
    "names of request headers must be as browsers write them": strips(
        f"{ORIGIN} and 'Origin' not in list(request.headers.keys())"
    ),
}

_OF_METHODS = {
    "allow-methods is missing": without(_METHODS),
    "allow-methods says GET whatever is requested": changed(_METHODS, "'GET'"),
    "allow-methods is lower-cased": changed(_METHODS, "text.lower()"),
    "allow-methods upper-cases patch": changed(_METHODS, "text.upper()"),
    "allow-methods writes methods as requested": changed(_METHODS, _METHOD),
    "allow-methods lists a second method": changed(_METHODS, "text + ', TRACE'"),
    "allow-methods names all listed methods": changed(
        _METHODS, "', '.join(self.allowed_methods)", "isinstance(self.allowed_methods, list)"
    ),
    "allow-methods is a star": changed(_METHODS, "'*'"),
    "allow-methods adds OPTIONS": changed(_METHODS, "text + ', OPTIONS'"),
    "allow-methods is sent on actual responses": with_header(
        _METHODS, "'GET'", f"{ALLOWED} and request.method != 'OPTIONS'"
    ),
    "allow-methods is sent to refused origins": with_header(_METHODS, _METHOD, f"{PREFLIGHT} and not {ALLOWED}"),
    "a refused method is allowed": _grants_method("True"),
    "any method is allowed by an empty list": _grants_method("listed == []"),
    "a method is allowed that is part of a listed one": _grants_method(
        "any(method.lower() in entry.lower() for entry in listed or ())"
    ),
    "a method is allowed that begins with a listed one": _grants_method(
        "any(method.lower().startswith(entry.lower()) for entry in listed or ())"
    ),
    "simple methods are always allowed": _grants_method("method in ('GET', 'HEAD', 'POST')"),
    "the method OPTIONS is always allowed": _grants_method("method == 'OPTIONS'"),
    "HEAD is allowed where GET is": _grants_method(
        "method == 'HEAD' and 'get' in [entry.lower() for entry in listed or ()]"
    ),
    "a star in the list allows any method": _grants_method("'*' in (listed or ())"),
    "a string of one method is searched for the method": _grants_method(
        "isinstance(listed, str) and method in listed"
    ),
    "one of several requested methods is allowed": _grants_method("',' in method"),
    "a method that is not a token is sent back": _grants_method("listed is None"),
    "a method with a line end is sent back": _grants_method("chr(13) in method"),
    "a method that is not ASCII is sent back": _grants_method("any(ord(c) > 127 for c in method)"),
    "a method with a space is sent back": _grants_method("listed is None and ' ' in method"),
    "methods are compared in capitals only": _refuses_method("listed and method.upper() not in listed"),
    "methods must be written as they are listed": _refuses_method("listed and method not in listed"),
    "the last listed method is refused": _refuses_method(
        "listed and len(listed) > 1 and method.upper() == listed[-1].upper()"
    ),
    "the second listed method is refused": _refuses_method(
        "listed and len(listed) > 1 and method.upper() == listed[1].upper()"
    ),
    "methods of one's own are refused": _refuses_method(
        "method.upper() not in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS')"
    ),
    "methods in lower case are refused": _refuses_method("method == method.lower()"),
    "methods with other than letters are refused": _refuses_method("not method.isalpha()"),
    "methods longer than 16 characters are refused": _refuses_method("len(method) > 16"),
    "the method of the preflight before is sent": changed(_METHODS, "getattr(self, '_method', text)")
    + "\nself._method = text or getattr(self, '_method', None)",
    "a refused method has no allowed origin": without(AC + "Allow-Origin", _REFUSED_METHOD),
}

_OF_HEADERS = {
    "allow-headers is missing": without(_HEADERS),
    "allow-headers leaves out the last name": changed(_HEADERS, "', '.join(text.split(',')[:-1])"),
    "allow-headers leaves out the first name": changed(_HEADERS, "', '.join(text.split(',')[1:])", "',' in text"),
    "allow-headers is a star": changed(_HEADERS, "'*'"),
    "allow-headers is sent back as requested": with_header(
        _HEADERS, f"request.headers['{AC}Request-Headers']", f"{PREFLIGHT} and {ALLOWED} and {NAMES}"
    ),
    "allow-headers names all listed headers": changed(
        _HEADERS, "', '.join(self.allowed_headers)", "isinstance(self.allowed_headers, list)"
    ),
    "allow-headers is lower-cased": changed(_HEADERS, "text.lower()"),
    "allow-headers is sorted": changed(_HEADERS, "','.join(sorted(text.split(',')))"),
    "allow-headers is joined without a space": changed(_HEADERS, "text.replace(', ', ',')"),
    "allow-headers is joined again where all is allowed": changed(
        _HEADERS, "', '.join(name.strip() for name in text.split(','))"
    ),
    "allow-headers drops repeated names": changed(
        _HEADERS, "','.join(dict((name.lower(), name) for name in text.split(',')).values())", "' ' not in text"
    ),
    "allow-headers is sent twice": changed(_HEADERS, "[text, text]"),
    "allow-headers is sent where none is requested": with_header(
        _HEADERS, "', '.join(self.allowed_headers)", f"{_GRANTED} and not {NAMES} and self.allowed_headers"
    ),
    "allow-headers is sent empty": with_header(_HEADERS, "''", f"{_GRANTED} and not headers.get('{_HEADERS}')"),
    "allow-headers is sent with a refused method": with_header(_HEADERS, NAMES, f"{_REFUSED_METHOD} and {NAMES}"),
    "allow-headers is sent to refused origins": with_header(
        _HEADERS, NAMES, f"{PREFLIGHT} and not {ALLOWED} and {NAMES}"
    ),
    "allow-headers is sent on actual responses": with_header(
        _HEADERS, "'X-Frame'", f"{ALLOWED} and request.method == 'GET'"
    ),
    "a requested header is allowed that is not listed": _grants_headers("listed"),
    "any header is allowed by an empty list": _grants_headers("self.allowed_headers == []"),
    "a header is allowed that is part of a listed one": _grants_headers(
        "any(name.lower() in entry for entry in listed)"
    ),
    "a header is allowed that begins with a listed one": _grants_headers(
        "any(name.lower().startswith(entry) for entry in listed)"
    ),
    "underscores of headers count as hyphens": _grants_headers("name.lower().replace('-', '_') in listed"),
    "a star among requested headers passes a list": _grants_headers("listed and name == '*'"),
    "a star in the list allows any header": _grants_headers("'*' in listed"),
    "content-type is always allowed": _grants_headers("listed and name.lower() == 'content-type'"),
    "65 requested headers are granted": _grants_headers(f"not listed and {NAMES}.count(',') == 64"),
    "300 requested headers are granted": _grants_headers(f"{NAMES}.count(',') > 200 and not listed"),
    "65 names of which most are empty are granted": _grants_headers(
        f"{NAMES}.count(',,') and {NAMES}.count(',') > 63"
    ),
    "listed names among 65 are granted": _grants_headers(f"{NAMES}.count(',') > 63 and name.lower() in listed"),
    "a header that is not a token is sent back": _grants_headers("self.allowed_headers is None and ' ' in name"),
    "a header with a control character is sent back": _grants_headers("any(ord(c) < 32 for c in name)"),
    "a header that is not ASCII is sent back": _grants_headers("any(ord(c) > 127 for c in name)"),
    "a header in quotation marks is sent back": _grants_headers("chr(34) in name"),
    "64 requested headers are refused": _refuses_headers("text.count(',') == 63"),
    "more than 10 requested headers are refused": _refuses_headers("text.count(',') > 9"),
    "headers after the 16th are left out": changed(_HEADERS, "','.join(text.split(',')[:16])", "' ' not in text"),
    "headers longer than 64 characters are left out": _refuses_headers("len(name) > 64"),
    "requested headers longer than 255 characters are refused": _refuses_headers("len(text) > 255"),
    "requested headers longer than 512 characters are refused": _refuses_headers("len(text) > 512"),
    "headers with odd characters are refused": _refuses_headers("any(c in name for c in '!#$%&|~')"),
    "headers with an underscore are refused": _refuses_headers("'_' in name"),
    "headers with digits are refused": _refuses_headers("any(c.isdigit() for c in name)"),
    "headers in capitals are refused": _refuses_headers("name != name.lower()"),
    "headers after a space are refused": changed(_HEADERS, "text.split(', ')[0]"),
    "the last listed header is refused": _refuses_headers(
        "self.allowed_headers and name.lower() == self.allowed_headers[-1].lower()"
    ),
    "headers listed with capitals are refused": _refuses_headers(
        "self.allowed_headers and name.lower() not in self.allowed_headers"
    ),
    "one valid header among others is not enough": without(
        _HEADERS, f"{NAMES}.count(',') > headers.get('{_HEADERS}', '').count(',')"
    ),
    "authorization is never allowed": _refuses_headers("name.lower() == 'authorization'"),
    "the headers of the preflight before are sent": changed(_HEADERS, "getattr(self, '_names', text)")
    + "\nself._names = text or getattr(self, '_names', None)",
    "answers are kept by method alone": f"kept = getattr(self, '_kept', {{}})\nself._kept = kept\nif {_GRANTED}:\n"
    f"    text = kept.setdefault({_METHOD}, headers.get('{_HEADERS}'))\n"
    f"    headers.pop('{_HEADERS}', None)\n    if text:\n        headers['{_HEADERS}'] = text",
}
_AGE = {
    "max-age is missing": without(_MAX_AGE),
    "max-age is one second short": changed(_MAX_AGE, "str(int(text) - 1)"),
    "max-age is in minutes": changed(_MAX_AGE, "str(int(text) // 60)", "int(text) >= 60"),
    "max-age has a decimal point": changed(_MAX_AGE, "text + '.0'"),
    "max-age is missing when it is 0": without(_MAX_AGE, f"headers.get('{_MAX_AGE}') == '0'"),
    "max-age is at least 5": changed(_MAX_AGE, "'5'", "0 <= int(text) < 5"),
    "max-age is at most an hour": changed(_MAX_AGE, "'3600'", "int(text) > 3600"),
    "max-age is negative": with_header(
        _MAX_AGE, "str(self.max_age)", f"{_GRANTED} and self.max_age and self.max_age < 0"
    ),
    "a negative max-age is missing": without(_MAX_AGE, "self.max_age and self.max_age < 0"),
    "max-age is sent on actual responses": with_header(_MAX_AGE, "'60'", f"{ALLOWED} and request.method == 'GET'"),
    "max-age is sent without a value": with_header(_MAX_AGE, "'5'", f"{PREFLIGHT} and self.max_age is None"),
    "max-age is sent as None": with_header(_MAX_AGE, "'None'", f"{_GRANTED} and self.max_age is None"),
    "max-age is sent as 0 without a value": with_header(_MAX_AGE, "'0'", f"{_GRANTED} and self.max_age is None"),
    "max-age is sent with a refused method": with_header(
        _MAX_AGE, "str(self.max_age)", f"{_REFUSED_METHOD} and self.max_age"
    ),
    "max-age is sent to refused origins": with_header(
        _MAX_AGE, "str(self.max_age)", f"{PREFLIGHT} and not {ALLOWED} and self.max_age"
    ),
    "max-age is missing where no header is requested": without(_MAX_AGE, f"not {NAMES}"),
    "max-age is missing where a header is refused": without(
        _MAX_AGE, f"{NAMES} and not headers.get('{_HEADERS}') and {NAMES}.count(',') < 64"
    ),
}

PREFLIGHT_FAULTS = (
    *faults(r"preflight|options|status|request.headers", _ANSWERS),
    *faults(r"method", _OF_METHODS),
    *faults(r"allow.headers|headers.*(grant|allow|list|sent)|preflight.*headers", _OF_HEADERS),
    *faults(r"max.?age", _AGE),
)
