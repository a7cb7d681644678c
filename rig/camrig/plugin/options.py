"""camrig's options on pytest's command line, beside those of other plugins.

``--device`` and ``--firmware`` are short names that another plugin or a conftest may have too. Then it is
the other's, and camrig's option is ``--hil-device`` or ``--hil-firmware``, which always exist.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from camrig.settings.options import OPTIONS

GROUP, TITLE = "camrig", "camrig: hardware in the loop"


def add_options(parser: pytest.Parser) -> None:
    """Every option under the name that begins with ``--hil-``."""
    group = parser.getgroup(GROUP, TITLE)
    for option in OPTIONS:
        group.addoption(option.long_flag, dest=f"camrig_{option.name}", **option.argument)


def add_short_names(parser: pytest.Parser) -> None:
    """The short names that nobody else has taken, once all plugins and the first conftests have added theirs."""
    group = parser.getgroup(GROUP, TITLE)
    taken = names(parser)
    for option in OPTIONS:
        if option.flag not in taken:
            group.addoption(option.flag, dest=f"camrig_{option.name}", **option.argument)


def names(parser: pytest.Parser) -> set[str]:
    """The names of all options that were added so far."""
    groups = [parser._anonymous, *parser._groups]
    return {name for group in groups for option in group.options for name in option.names()}


def in_command_line(words: Iterable[str]) -> bool:
    """Whether one of ``words`` is an option of camrig's, or has the name of one."""
    flags = {flag for option in OPTIONS for flag in (option.flag, option.long_flag)}
    return any(word.partition("=")[0] in flags for word in words)
