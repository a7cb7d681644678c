"""camrig's plugin for pytest, whose hooks are in ``hooks``.

pytest would show a traceback, and end as if tests had failed, if one of the packages that camrig needs is missing.
"""

import sys

try:
    import camrig.plugin.hooks  # noqa: F401
except Exception as error:
    from camrig.bug_report import unexpected

    print(f"camrig: {unexpected(error)}", file=sys.stderr)
    raise SystemExit(6) from None
