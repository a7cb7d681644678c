"""Faults that show when the policy changes on the running server, and in how a library is wired to applications."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from camrig.prove.fault_code import AC, ORIGIN, faults, strips
from camrig.prove.faulty_copy import Change, Fault

_LISTS = ("allowed_origins", "allowed_methods", "allowed_headers", "expose_headers")
_POLICY = (*_LISTS, "allow_credentials", "max_age")
# What a test calls each of them.
_WORDS = {
    "allowed_origins": "origin",
    "allowed_methods": "method",
    "allowed_headers": "headers",
    "expose_headers": "expos",
    "allow_credentials": "credential",
    "max_age": "max.?age",
}
_CHANGED = "run.?time|change|in.?force|in.?place|assign|reassign|mutat|update"

_WITH_ANOTHER_VALUE = """
def _with_another_value(self, function, *arguments):
    if getattr(self, '_inside', False):
        return function(*arguments)
    value = self.{name}
{substitute}
    self._inside = True
    self.{name} = value_in_force
    try:
        return function(*arguments)
    finally:
        self.{name} = value
        self._inside = False

def after_request(self, request, response):
    return self._with_another_value(super().after_request, request, response)

def get_cors_headers(self, request):
    return self._with_another_value(super().get_cors_headers, request)
"""
_COPY = "list(value) if isinstance(value, list) else value"
# Each makes ``value_in_force`` of ``value``.
_COPIED = (
    f"if value is not getattr(self, '_seen', self):\n    self._seen = value\n    self._copy = {_COPY}\n"
    "value_in_force = self._copy"
)
_COPIED_BY_LENGTH = (
    "copy = getattr(self, '_copy', None)\n"
    "if value is not getattr(self, '_seen', self) or isinstance(value, list) and len(value) != len(copy):\n"
    f"    self._seen = value\n    self._copy = {_COPY}\n"
    "value_in_force = self._copy"
)
_EXTENDED = (
    "copy = getattr(self, '_copy', None)\n"
    "if value is not getattr(self, '_seen', self) or isinstance(value, list) and len(value) > len(copy):\n"
    f"    self._seen = value\n    self._copy = {_COPY}\n"
    "value_in_force = self._copy"
)
_FIRST = f"if not hasattr(self, '_first'):\n    self._first = {_COPY}\nvalue_in_force = self._first"
_LATE = f"value_in_force = getattr(self, '_late', value)\nself._late = {_COPY}"
_SAME_LENGTH = (
    "copy = getattr(self, '_copy', None)\n"
    "if isinstance(value, list) is False or isinstance(copy, list) is False or len(value) != len(copy):\n"
    f"    self._copy = {_COPY}\n"
    "value_in_force = self._copy"
)


def _another_value(name: str, substitute: str) -> Change:
    """``value_in_force`` of ``substitute`` instead of the attribute's own value."""
    return Change(methods=_WITH_ANOTHER_VALUE.format(name=name, substitute=textwrap.indent(substitute, "    ")))


def _each(names: tuple[str, ...], words: str, sentences: dict[str, str]) -> Iterator[Fault]:
    for name in names:
        for sentence, substitute in sentences.items():
            yield from faults(
                words.format(name=_WORDS[name]), {f"{name} {sentence}": _another_value(name, substitute)}
            )


_OF_LISTS = {
    "changed in place is ignored": _COPIED,
    "changed in place to the same length is ignored": _COPIED_BY_LENGTH,
    "made shorter in place is ignored": _EXTENDED,
    "changed to a list of the same length is ignored": _SAME_LENGTH,
}
_OF_ALL = {
    "stays that of the first request": _FIRST,
    "is in force one response late": _LATE,
}

_INITIALIZE = """
def initialize(self, app, handle_cors=True):
{body}
"""


def _initialize(body: str, methods: str = "", at_import: str = "") -> Change:
    """``body`` in place of the library's ``initialize``, which it may call."""
    return Change(at_import, methods=_INITIALIZE.format(body=textwrap.indent(body, "    ")) + methods)


_CALL = "super().initialize(app, handle_cors)\n"
_BY_HAND = """
def get_cors_headers(self, request):
    headers = super().get_cors_headers(request)
{body}
    return headers
"""
_LEFT_OUT_BY_HAND = """
def get_cors_headers(self, request):
    headers = super().get_cors_headers(request)
    if not getattr(self, '_inside', False):
        def leave_out(request, response):
            response.headers.pop('{header}', None)
        request.after_request(leave_out)
    return headers

def after_request(self, request, response):
    self._inside = True
    try:
        return super().after_request(request, response)
    finally:
        self._inside = False
"""


def _headers(body: str) -> Change:
    """Change what ``get_cors_headers`` returns: ``headers``, for ``request``."""
    return Change(methods=_BY_HAND.format(body=textwrap.indent(body, "    ")))


def _left_out_by_hand(header: str) -> Change:
    """Leave a header out of responses to which the application adds the headers itself."""
    return Change(methods=_LEFT_OUT_BY_HAND.format(header=header))


_WIRING: dict[str, str | Change] = {
    "errors and preflights are not hooked": _initialize(_CALL + "app.after_error_request_handlers[:] = []"),
    "usual responses are not hooked": _initialize(_CALL + "app.after_request_handlers[:] = []"),
    "only the first application is hooked": _initialize(
        "if getattr(self, '_app', app) is app:\n    self._app = app\n    super().initialize(app, handle_cors)"
    ),
    "only the last application is served": Change(
        per_response="pass",
        after_response=strips("getattr(self, '_app', request.app) is not request.app"),
        methods=_INITIALIZE.format(body="    self._app = app\n    super().initialize(app, handle_cors)"),
    ),
    "the options of the first application are those of all": _initialize(
        _CALL + "first = self._first = getattr(self, '_first', app)\n"
        "if first is not app:\n    app.options_handler = first.default_options_handler"
    ),
    "the options of the last application are those of all": _initialize(
        "first = self._first = getattr(self, '_first', app)\n"
        + _CALL
        + "if first is not app:\n    first.options_handler = app.default_options_handler"
    ),
    "a second initialization removes the hooks": _initialize(
        _CALL + "if getattr(self, '_app', None) is app:\n"
        "    app.after_request_handlers[:] = []\n    app.after_error_request_handlers[:] = []\nself._app = app"
    ),
    "a second initialization makes OPTIONS recurse": _initialize(
        "handler = app.options_handler\n" + _CALL + "if getattr(self, '_app', None) is app:\n"
        "    def recurse(request):\n        return recurse(request)\n    app.options_handler = recurse\n"
        "self._app = app"
    ),
    "an application that is given later is not hooked": _initialize(
        "if not hasattr(self, '_made'):\n    super().initialize(app, handle_cors)",
        methods="\ndef __init__(self, app=None, *arguments, **options):\n"
        "    super().__init__(app, *arguments, **options)\n    self._made = True\n",
    ),
    "handle_cors is ignored": _initialize("super().initialize(app, True)"),
    "mounted applications have no CORS headers": strips("getattr(request, 'url_prefix', '')"),
    "the application's OPTIONS route is overruled": "if request.method == 'OPTIONS' and request.route:\n"
    "    response.status_code = 204\n    response.body = b''",
    "the second object removes the headers of the first": strips(
        f"{ORIGIN} and isinstance(self.allowed_origins, list) and {ORIGIN} not in self.allowed_origins"
    ),
    "the first object alone decides": Change(
        per_response="if getattr(request.g, '_decided', False):\n    return response\nrequest.g._decided = True"
    ),
    "an argument of the constructor is ignored: origins": Change(
        methods="\ndef __init__(self, app=None, allowed_origins=None, *arguments, **options):\n"
        "    super().__init__(app, None, *arguments, **options)\n"
    ),
    "an argument of the constructor is ignored: max_age": Change(
        methods="\ndef __init__(self, *arguments, **options):\n"
        "    options.pop('max_age', None)\n    super().__init__(*arguments, **options)\n"
    ),
    "an argument of the constructor is ignored: credentials": Change(
        methods="\ndef __init__(self, *arguments, **options):\n"
        "    options.pop('allow_credentials', None)\n    super().__init__(*arguments, **options)\n"
    ),
}
_MANUAL = {
    "headers by hand hold vary": _headers("if headers:\n    headers['Vary'] = 'Origin'"),
    "headers by hand hold other headers": _headers("headers['Server'] = 'microdot'"),
    "headers by hand are kept when a caller changes them": _headers(
        "kept = self._kept = getattr(self, '_kept', {})\n"
        "headers = kept.setdefault(str(sorted(headers.items())), headers)"
    ),
    "headers by hand leave vary out": _left_out_by_hand("Vary"),
    "headers by hand lack the allowed origin": _left_out_by_hand(AC + "Allow-Origin"),
}

RUN_TIME_FAULTS = (
    *_each(_LISTS, "{name}.*(" + _CHANGED + ")|(" + _CHANGED + ").*{name}|in.?place", _OF_LISTS),
    *_each(_POLICY, "{name}|" + _CHANGED, _OF_ALL),
    *faults(r"application|wir|initiali|hook|mount|options|object|constructor|error|preflight", _WIRING),
    *faults(r"hand|caller|manual|get_cors_headers|vary", _MANUAL),
)
