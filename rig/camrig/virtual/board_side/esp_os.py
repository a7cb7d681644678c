"""``os`` without ways to the host."""

HIDDEN = ("system", "getenv", "putenv", "unsetenv", "VfsPosix", "VfsLfs1", "errno")

_uname = None


def power_on(board):
    global _uname
    import sys
    from collections import namedtuple

    numbers = sys.implementation.version
    release = "%d.%d.%d" % numbers[:3] + ("-" + numbers[3] if numbers[3:] and numbers[3] else "")
    kind = namedtuple("uname", ("sysname", "nodename", "release", "version", "machine"))
    version = sys.version.split("; ")[-1].replace("MicroPython ", "")
    _uname = kind("esp32", "esp32", release, version, board["machine"])


def uname():
    return _uname


def sync():
    pass


def dupterm(stream=None, index=0):
    return None
