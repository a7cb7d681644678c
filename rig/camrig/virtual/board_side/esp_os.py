"""``os`` without access to the host."""

HIDDEN = ("system", "getenv", "putenv", "unsetenv", "VfsPosix", "VfsLfs1", "errno")

_uname = None


def power_on(board):
    global _uname
    import sys
    from collections import namedtuple

    fields = sys.implementation.version
    release = "%d.%d.%d" % fields[:3] + ("-" + fields[3] if fields[3:] and fields[3] else "")
    uname_type = namedtuple("uname", ("sysname", "nodename", "release", "version", "machine"))
    version = sys.version.split("; ")[-1].replace("MicroPython ", "")
    if board["firmware"]:
        version = board["firmware"]
        release = version.split(" ")[0].lstrip("v")
    _uname = uname_type("esp32", "esp32", release, version, board["machine"])


def uname():
    return _uname


def sync():
    pass


def dupterm(stream=None, index=0):
    return None
