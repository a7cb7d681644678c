"""Runs the cases inside MicroPython: one line of JSON for each, ``[name, null]`` or ``[name, what went wrong]``."""

import io
import json
import sys

from cases import cases

for name, case in cases():
    try:
        case()
        problem = None
    except Exception as error:
        trace = io.StringIO()
        sys.print_exception(error, trace)
        problem = trace.getvalue()
    print(json.dumps([name, problem]))
