"""Lays the library under test over the pinned microdot package, so that ``microdot.cors`` is ours on the host too."""

from pathlib import Path

import microdot

microdot.__path__.insert(0, str(Path(__file__).parent / "lib" / "microdot"))
