"""Prints, inside MicroPython, how many bytes the import of one module of the microdot package retains."""

import gc
import sys

import microdot  # noqa: F401


def overwrite(depth, a=0, b=0, c=0, d=0, e=0, f=0):
    if depth:
        overwrite(depth - 1, depth, depth, depth, depth, depth, depth)


def sweep():
    """Overwrite what old calls left on the stack, so that the collector takes none of it for a pointer."""
    for _ in range(3):
        overwrite(40)
        gc.collect()


sweep()
before = gc.mem_alloc()
__import__("microdot." + sys.argv[1])
sweep()
print(gc.mem_alloc() - before)
