"""Changes that alter no answer and cost nothing for each request. A test or a metric that is red for one is wrong."""

from __future__ import annotations

from camrig.prove.fault_code import NAMES, ORIGIN
from camrig.prove.faulty_copy import Appended, Change, Fault, SourceChange
from camrig.prove.rewrites import (
    Rewrite,
    add_comments,
    add_docstrings,
    indent_by_two,
    rename_locals,
    rename_private_names,
    reorder_methods,
    strip_comments,
    swap_branches,
)

# The library itself, in other words: compared with the library as it is.
_REWRITTEN: dict[str, SourceChange] = {
    "no change at all": Appended(""),
    "a comment": Appended("# The end."),
    "another name for the class": Appended("_Same = CORS"),
    "an unused constant": Appended("_UNUSED = 1"),
    "an unused function": Appended("def _unused():\n    pass"),
    "an unused method": Appended("CORS._unused = lambda self: None"),
    "comments and docstrings stripped": Rewrite(strip_comments),
    "docstrings added": Rewrite(add_docstrings),
    "comments added": Rewrite(add_comments),
    "indented by two": Rewrite(indent_by_two),
    "methods in another order": Rewrite(reorder_methods),
    "local variables renamed": Rewrite(rename_locals),
    "private names renamed": Rewrite(rename_private_names),
    "branches swapped": Rewrite(swap_branches),
}

# A cache that the first requests fill.
_CACHE = "_CACHE = {}"
_FILLING = "if {key} not in _CACHE and len(_CACHE) < {size}:\n    _CACHE[{key}] = bytearray({bytes})"


def _filling(key: str, size: int, number: int) -> Change:
    return Change(_CACHE, after_response=_FILLING.format(key=key, size=size, bytes=number))


# With a subclass round the library, compared with a subclass that does nothing.
_WRAPPED = {
    "a subclass": (Change(), Change()),
    "a method that calls the library's": (
        Change(methods="\ndef options_handler(self, request):\n    return super().options_handler(request)"),
        Change(),
    ),
    "a class attribute": (Change(methods="\nunused = None"), Change()),
    "a cache of origins that fills and stops": (_filling(ORIGIN, 8, 16), _filling(ORIGIN, 0, 16)),
    "a cache of requested headers that fills and stops": (_filling(NAMES, 16, 64), _filling(NAMES, 0, 64)),
    "a cache of paths that fills and stops": (_filling("request.path", 4, 128), _filling("request.path", 0, 128)),
    "the last origin is kept": (
        Change("_LAST = [None]", after_response=f"_LAST[0] = {ORIGIN}"),
        Change("_LAST = [None]", after_response=f"_LAST[0]\n{ORIGIN}"),
    ),
}

HARMLESS_CHANGES = (
    *(Fault("harmless", name, change, baseline=None) for name, change in _REWRITTEN.items()),
    *(Fault("harmless", name, change, baseline) for name, (change, baseline) in _WRAPPED.items()),
)
