"""What runs on the board during a deploy, and at every start after one. Kept in one place: it is one design.

What is to change is first written beside the application, as ``/.camrig/new0``, ``new1`` and so on, and read back.
Then one rename puts ``/.camrig/commit.py`` in place: a script that moves the new files to where they belong, removes
what is no longer wanted, and itself last. Every step of it may be done twice. ``/boot.py`` is the rig's and never
changes: it runs that script if it finds one, and then the application's own boot code. So whenever power fails,
the next start has either the old application or the new one.

On littlefs each rename is atomic. On FAT one may leave two names for the same clusters, and removing either then
breaks the other; so there, files are copied into place, and the new ones removed when all is done. Names
tell the two filesystems apart: FAT takes them in capitals too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

HOME = "/.camrig"
BOOT = HOME + "/boot.py"  # the application's boot code, or the one that the rig found on the board
COMMIT = HOME + "/commit.py"
RECORD = HOME + "/files"  # the paths that the rig manages, one a line
FRESH = HOME + "/new"
DIGEST = 16  # bytes of each SHA-256 that are compared: enough against any accident, and half the traffic
PIECE_LEAST, PIECE_MOST = 1024, 16384

# Stands in /boot.py. Ctrl-C must not end the script half-way, because the firmware would go on with main.py.
GUARD = f"""\
# camrig: finish a deploy that lost power, then run the application's boot code, which is {BOOT}
def _camrig_run(path, space):
    try:
        with open(path) as f:
            text = f.read()
    except OSError:
        return
    exec(compile(text, path, "exec"), space)


def _camrig_finish():
    import micropython

    micropython.kbd_intr(-1)
    try:
        _camrig_run("{COMMIT}", {{}})
    finally:
        micropython.kbd_intr(3)


_camrig_finish()
_camrig_run("{BOOT}", globals())
"""

# Finishes or clears what an earlier deploy left, and says what is there.
LOOK = f"""\
import os, io, json, gc, hashlib, binascii
buf = bytearray(512)
view = memoryview(buf)
def kind(p):
    try:
        return 2 if os.stat(p)[0] & 0x4000 else 1
    except OSError:
        return 0
def digest(p, salt=b''):
    s = hashlib.sha256(salt)
    try:
        with open(p, 'rb') as f:
            while True:
                n = f.readinto(buf)
                if not n:
                    break
                s.update(view[:n])
    except OSError:
        return bytes({DIGEST})
    return s.digest()[:{DIGEST}]
def text(p):
    with open(p) as f:
        return f.read()
def settle():
    if kind('{COMMIT}'):
        exec(text('{COMMIT}'), {{}})
    if kind('{HOME}') == 2:
        for n in os.listdir('{HOME}'):
            if n[:3] == 'new':
                os.remove('{HOME}/' + n)
def look(paths, folders, others, record, dry, salt):
    if not dry:
        settle()
    have = [digest(p, salt) for p in paths]
    s = os.statvfs('/')
    print(json.dumps({{
        'have': binascii.b2a_base64(b''.join(have)).decode(),
        'odd': [p for p in paths if kind(p) == 2] + [p for p in folders if kind(p) == 1],
        'missing': [p for p in folders if not kind(p)],
        'others': [p for p in others if kind(p)],
        'fat': bool(kind('{HOME.upper()}') or kind('/BOOT.PY')),
        'record': None if have[-1] == record else text('{RECORD}') if kind('{RECORD}') else '',
        'free': s[1] * s[3], 'block': s[1]}}))
"""

# Takes the new files in pieces that know nothing of where one ends, and puts them in place. Needs LOOK.
WRITE = f"""\
def begin(s):
    global sizes, n, f, left
    sizes, n, f, left = s, 0, None, 0
    if not kind('{HOME}'):
        os.mkdir('{HOME}')
    settle()
def put(data):
    global n, f, left
    while True:
        if f is None:
            if n == len(sizes):
                break
            f = open('{FRESH}' + str(n), 'wb')
            left = sizes[n]
        if left:
            k = data.readinto(view[:min(left, len(buf))])
            if not k:
                break
            f.write(view[:k])
            left -= k
        if not left:
            f.close()
            f = None
            n += 1
def copy(a, b):
    with open(a, 'rb') as f:
        with open(b, 'wb') as g:
            while True:
                k = f.readinto(buf)
                if not k:
                    break
                g.write(view[:k])
    if digest(a) != digest(b):
        raise OSError(5)
def move(a, b):
    if kind('{HOME.upper()}'):
        copy(a, b)
    else:
        os.rename(a, b)
def guard(fresh):
    if kind('/boot.py'):
        with open('/boot.py', 'rb') as f:
            head = f.read(8)
        if not b'# camrig'.startswith(head):
            copy('/boot.py', '{FRESH}boot')
            move('{FRESH}boot', '{BOOT}')
    move(fresh, '/boot.py')
def finish(want, boot, targets, gone):
    same = lambda p, i: digest(p) == want[i * {DIGEST}:(i + 1) * {DIGEST}]
    bad = [i for i in range(len(sizes)) if not same('{FRESH}' + str(i), i)]
    if bad:
        return print(json.dumps({{'damaged': bad}}))
    if boot is not None:
        guard('{FRESH}' + str(boot))
    if hasattr(os, 'sync'):
        os.sync()
    os.rename('{FRESH}' + str(len(sizes) - 1), '{COMMIT}')
    settle()
    print(json.dumps({{
        'damaged': [i for i in range(len(targets)) if not same(targets[i], i)],
        'left': [p for p in gone if kind(p)]}}))
"""

# After a failure: says how much is free, without what was not put in place.
GIVE_UP = """\
try:
    f.close()
except Exception:
    pass
try:
    settle()
finally:
    s = os.statvfs('/')
    print(json.dumps(s[1] * s[3]))
"""

_INFLATE = b"import io,deflate\ndef z(b):return deflate.DeflateIO(io.BytesIO(b),deflate.ZLIB)\n"
_PLAIN = b"import io\ndef z(b):return io.BytesIO(b)\n"
# Ends a literal, or means something to a REPL that reads the command: Ctrl-A to Ctrl-E.
_SPECIAL = re.compile(rb"([\x00-\x05\n\r'\\])([0-7]?)", re.DOTALL)


def literal(data: bytes) -> bytes:
    """``data`` as a bytes literal of MicroPython, whose lexer takes any byte as it is but for a few."""

    def escaped(match: re.Match[bytes]) -> bytes:
        special, digit = match[1], match[2]
        if special in b"'\\":
            return b"\\" + special + digit
        if special == b"\n":
            return b"\\n" + digit
        if special == b"\r":
            return b"\\r" + digit
        return (b"\\%03o" if digit else b"\\%o") % special[0] + digit

    return b"b'" + _SPECIAL.sub(escaped, data) + b"'"


def stream(data: bytes, inflates: bool) -> bytes:
    """An expression that is a stream of ``data`` on the board; ``z`` has to be defined there (see ``command``)."""
    if inflates:
        packer = zlib.compressobj(9, zlib.DEFLATED, window(len(data)))
        data = packer.compress(data) + packer.flush()
    return b"z(" + literal(data) + b")"


def window(size: int) -> int:
    """zlib's ``wbits`` for data of ``size`` bytes: the board allocates a window of 2 ** wbits bytes to inflate it."""
    return min(15, max(9, (size - 1).bit_length()))


def command(code: str, inflates: bool) -> bytes:
    """A command that runs ``code`` on the board, sent compressed where that can be undone there."""
    return (_INFLATE if inflates else _PLAIN) + b"exec(" + stream(code.encode(), inflates) + b".read())\n"


def piece_size(baud: int, heap: int) -> int:
    """How many bytes of the new files to send in one command.

    Little enough for half a second on the wire, for the sake of who watches, and for a heap of ``heap`` free
    bytes, which has to hold the compressed piece twice (as text and as an object) and the window.
    """
    return max(PIECE_LEAST, min(PIECE_MOST, baud // 14, heap // 12))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """``data`` cut into pieces of ``size`` bytes, the last one shorter."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def commit_script(
    targets: Sequence[str], folders: Iterable[str], removed: Iterable[str], emptied: Iterable[str]
) -> bytes:
    """The script that ends a deploy: the new files with the numbers of ``targets`` take their places.

    On FAT they are copied, and whoever runs the script clears them away. Those that have been moved already are
    passed over, so it may be run again from any point. ``folders`` are made first, parents before children;
    ``emptied`` are removed if nothing is left in them, children first.
    """
    return f"""\
import os
def no(f, p):
    try:
        f(p)
    except OSError:
        pass
def copy(a, b):
    with open(a, 'rb') as f:
        with open(b, 'wb') as g:
            while True:
                data = f.read(512)
                if not data:
                    break
                g.write(data)
move = os.rename
try:
    os.stat('{COMMIT.upper()}')
    move = copy
except OSError:
    pass
for p in {list(folders)!r}:
    no(os.mkdir, p)
n = 0
for t in {list(targets)!r}:
    p = '{FRESH}' + str(n)
    n += 1
    try:
        os.stat(p)
    except OSError:
        continue
    move(p, t)
for p in {list(removed)!r}:
    no(os.remove, p)
for p in {list(emptied)!r}:
    no(os.rmdir, p)
os.remove('{COMMIT}')
""".encode()
