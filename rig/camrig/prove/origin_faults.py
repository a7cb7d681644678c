"""Faults in the comparison of origins, in what is sent back of them, and in credentials."""

from __future__ import annotations

from camrig.prove.fault_code import (
    AC,
    ALLOWED,
    ORIGIN,
    PREFLIGHT,
    REFLECT,
    any_entry,
    changed,
    faults,
    grants,
    refuses,
    with_header,
    without,
)

_ALLOW = AC + "Allow-Origin"
_CREDENTIALS = AC + "Allow-Credentials"
_HOST = "split('://')[-1]"
_STAR = "self.allowed_origins == '*' and not self.allow_credentials"

_REFUSED = {
    "any origin is allowed by a list": grants("True"),
    "any origin is allowed by an empty list": grants("not listed"),
    "origins are compared without regard to case": grants(any_entry("origin.lower() == entry.lower()")),
    "a final slash of the origin is forgiven": grants(any_entry("origin == entry + '/'")),
    "a path of the origin is forgiven": grants(any_entry("origin.startswith(entry + '/') and origin != entry + '/'")),
    "a default port of the origin is forgiven": grants(any_entry("origin in (entry + ':80', entry + ':443')")),
    "a user name in the origin is forgiven": grants(
        f"'@' in origin and {any_entry(f'origin.split(chr(64))[-1] == entry.{_HOST}')}"
    ),
    "a prefix of a listed origin is allowed": grants(any_entry("entry.startswith(origin)")),
    "a listed origin with a suffix is allowed": grants(any_entry("origin.startswith(entry)")),
    "a suffix of a listed origin is allowed": grants(any_entry("entry.endswith(origin)")),
    "an origin that ends in a listed one is allowed": grants(any_entry("origin.endswith(entry)")),
    "the origin is searched for in listed origins": grants(any_entry("origin in entry")),
    "listed origins are searched for in the origin": grants(any_entry("entry in origin")),
    "a string of one origin is searched for the origin": grants("len(listed) == 1 and origin in listed[0]"),
    "a string of one origin is split at commas": grants("len(listed) == 1 and origin in listed[0].split(',')"),
    "a sub-domain of a listed origin is allowed": grants(any_entry(f"origin.endswith('.' + entry.{_HOST})")),
    "the scheme of the origin is ignored": grants(any_entry(f"origin.{_HOST} == entry.{_HOST}")),
    "the port of the origin is ignored": grants(any_entry("origin.rsplit(':', 1)[0] == entry")),
    "any character stands for a dot of the origin": grants(
        any_entry("len(origin) == len(entry) and all(a == b or b == '.' for a, b in zip(origin, entry))")
    ),
    "origins are compared by their length": grants(any_entry("len(origin) == len(entry)")),
    "only 20 characters of origins are compared": grants(any_entry("origin[:20] == entry[:20]")),
    "only 64 characters of origins are compared": grants(
        "len(origin) > 64 and " + any_entry("origin[:64] == entry[:64]")
    ),
    "an origin is cut at a control character": grants(
        any_entry("origin.startswith(entry) and ord(origin[len(entry)]) in (0, 1, 9, 13, 27, 127)")
    ),
    "one of several origins in a header is allowed": grants(
        "any(part in listed for part in origin.replace(',', ' ').split())"
    ),
    "the origin null is allowed by a list": grants("origin == 'null'"),
    "an origin on plain http is allowed by a list": grants("origin.startswith('http://')"),
    "pages of the own computer are allowed by a list": grants("'://localhost' in origin or '://127.' in origin"),
    "pages of local networks are allowed by a list": grants("'://192.168.' in origin or '://10.' in origin"),
    "the board's own origin is allowed by a list": grants(f"origin.{_HOST} == request.headers.get('Host')"),
    "pages of browser extensions are allowed by a list": grants("'-extension://' in origin"),
    "a star in a list allows any origin": grants("'*' in listed"),
    "a star as origin is allowed by a list with a star": grants("'*' in listed").replace("not in listed", "== '*'"),
    "a star in a listed origin allows sub-domains": grants(
        any_entry("entry[0] == '*' and origin.endswith(entry[1:])")
    ),
    "a star at the end of a listed origin is a pattern": grants(
        any_entry("entry[-1] == '*' and len(entry) > 1 and origin.startswith(entry[:-1])")
    ),
    "no policy allows any origin": f"if self.allowed_origins is None and {ORIGIN}:\n    {REFLECT}",
    "an empty origin is allowed by an empty entry": with_header(
        _ALLOW, "'*'", "request.headers.get('Origin') == '' and '' in (self.allowed_origins or '*')"
    ),
    "no origin is allowed by the entry None": with_header(
        _ALLOW, "'*'", f"not {ORIGIN} and isinstance(self.allowed_origins, list) and None in self.allowed_origins"
    ),
    "requests without an origin get a star": with_header(
        _ALLOW, "'*'", f"not {ORIGIN} and not {ALLOWED} and self.allowed_origins"
    ),
    "requests without an origin get the first listed one": with_header(
        _ALLOW,
        "self.allowed_origins[0]",
        f"not {ORIGIN} and self.allowed_origins not in (None, [], '*', [None], ['']) and self.allowed_origins[0]",
    ),
    "the referrer counts as an origin": with_header(
        _ALLOW,
        "'/'.join(request.headers['Referer'].split('/')[:3])",
        f"not {ORIGIN} and request.headers.get('Referer')"
        " and '/'.join(request.headers['Referer'].split('/')[:3]) in (self.allowed_origins or ())",
    ),
    "refused origins get a star": with_header(_ALLOW, "'*'", f"{ORIGIN} and not {ALLOWED}"),
    "refused origins get null": with_header(_ALLOW, "'null'", f"{ORIGIN} and not {ALLOWED}"),
    "refused origins get the first listed one": with_header(
        _ALLOW, "self.allowed_origins[0]", f"{ORIGIN} and not {ALLOWED} and self.allowed_origins"
    ),
    "refused origins get an empty allow-origin": with_header(_ALLOW, "''", f"{ORIGIN} and not {ALLOWED}"),
}

_ALLOWED = {
    "only the first listed origin is allowed": refuses("isinstance(listed, list) and origin != listed[0]"),
    "the last listed origin is refused": refuses(
        "isinstance(listed, list) and len(listed) > 1 and origin == listed[-1]"
    ),
    "origins after the 32nd are refused": refuses("isinstance(listed, list) and origin not in listed[:32]"),
    "origins with a port are refused": refuses("origin.count(':') > 1"),
    "origins on plain http are refused": refuses("origin.startswith('http://')"),
    "the origin null is refused though listed": refuses("origin == 'null' and isinstance(listed, list)"),
    "the origin null is refused by a star": refuses("origin == 'null' and listed == '*'"),
    "origins longer than 32 characters are refused": refuses("len(origin) > 32"),
    "origins longer than 255 characters are refused": refuses("len(origin) > 255"),
    "the second origin in turn is refused": refuses("getattr(self, '_origin', origin) != origin")
    + "\nself._origin = origin",
    "pages are refused on preflights": refuses(PREFLIGHT),
    "pages are refused on actual responses": refuses("request.method != 'OPTIONS'"),
    "listed pages are refused with credentials": refuses("self.allow_credentials and isinstance(listed, list)"),
    "a star allows no request without an origin": refuses("not origin"),
    "a string of one origin allows nothing": refuses("isinstance(listed, list) and len(listed) == 1"),
}

_SENT_BACK = {
    "the allowed origin is lower-cased": changed(_ALLOW, "text.lower()"),
    "the allowed origin gets a final slash": changed(_ALLOW, "text + '/'"),
    "an allowed origin is answered with a star": with_header(
        _ALLOW, "'*'", f"{ALLOWED} and isinstance(self.allowed_origins, list)"
    ),
    "the first listed origin is sent whoever asks": changed(
        _ALLOW, "self.allowed_origins[0] if isinstance(self.allowed_origins, list) else text"
    ),
    "all listed origins are sent": changed(
        _ALLOW,
        "', '.join([str(entry) for entry in self.allowed_origins])",
        "isinstance(self.allowed_origins, list) and len(self.allowed_origins) > 1",
    ),
    "allow-origin is sent twice": changed(_ALLOW, "[text, text]"),
    "the origin of the request before is sent": changed(_ALLOW, "getattr(self, '_last', text)")
    + "\nself._last = text or getattr(self, '_last', None)",
    "a star is sent in place of the reflected origin": with_header(
        _ALLOW, "'*'", f"{ALLOWED} and self.allowed_origins == '*'"
    ),
    "the origin is reflected with star and credentials": with_header(
        _ALLOW, "request.headers['Origin']", f"{ORIGIN} and self.allowed_origins == '*' and self.allow_credentials"
    ),
    "an empty origin is reflected": with_header(
        _ALLOW, "''", "self.allowed_origins == '*' and request.headers.get('Origin') == ''"
    ),
    "an origin of 513 characters is reflected": with_header(
        _ALLOW, "request.headers['Origin']", f"len({ORIGIN}) == 513 and {_STAR}"
    ),
    "an origin of 1,500 characters is reflected": with_header(
        _ALLOW, "request.headers['Origin']", f"len({ORIGIN}) > 1000 and {_STAR}"
    ),
    "an origin of 512 characters is not reflected": with_header(_ALLOW, "'*'", f"len({ORIGIN}) == 512 and {_STAR}"),
    "an origin of 256 characters is not reflected": with_header(_ALLOW, "'*'", f"len({ORIGIN}) > 255 and {_STAR}"),
    "control characters of an origin are reflected": with_header(
        _ALLOW, "request.headers['Origin']", f"{_STAR} and any(ord(c) < 32 or ord(c) == 127 for c in {ORIGIN})"
    ),
    "a line end in an origin is reflected": with_header(
        _ALLOW, "request.headers['Origin']", f"{_STAR} and chr(13) in {ORIGIN}"
    ),
    "spaces of an origin are reflected": with_header(
        _ALLOW, "request.headers['Origin']", f"{_STAR} and ' ' in {ORIGIN}"
    ),
    "an origin that is not ASCII is reflected": with_header(
        _ALLOW, "request.headers['Origin']", f"{_STAR} and any(ord(c) > 127 for c in {ORIGIN})"
    ),
}

_OF_CREDENTIALS = {
    "credentials are never allowed": without(_CREDENTIALS),
    "credentials are always allowed": with_header(_CREDENTIALS, "'true'", ALLOWED),
    "credentials are denied in words": with_header(
        _CREDENTIALS, "'false'", f"{ALLOWED} and not self.allow_credentials"
    ),
    "credentials are allowed to refused origins": with_header(
        _CREDENTIALS, "'true'", f"self.allow_credentials and not {ALLOWED}"
    ),
    "credentials are written with a capital": changed(_CREDENTIALS, "'True'"),
    "credentials are missing on preflights": without(_CREDENTIALS, PREFLIGHT),
    "credentials are missing on actual responses": without(_CREDENTIALS, "request.method != 'OPTIONS'"),
    "credentials are missing on errors": without(_CREDENTIALS, "response.status_code >= 400"),
    "credentials are missing with a star": without(_CREDENTIALS, "self.allowed_origins == '*'"),
    "credentials are missing with a refused method": without(
        _CREDENTIALS, f"{PREFLIGHT} and not headers.get('{AC}Allow-Methods')"
    ),
}

ORIGIN_FAULTS = (
    *faults(r"origin|stranger|null", _REFUSED),
    *faults(r"origin|page", _ALLOWED),
    *faults(r"origin", _SENT_BACK),
    *faults(r"credential", _OF_CREDENTIALS),
)
