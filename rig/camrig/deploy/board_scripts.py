"""What runs on the board during a deploy, and at every start after it. It is one design, so it is in one file.

New files are first staged beside the application, as ``/.camrig/new0``, ``new1`` and so on, and read back.
Then one rename puts ``/.camrig/commit.py`` in place: a script that moves the staged files to their targets, removes
obsolete files, and itself last. Every step of it can be repeated. ``/boot.py`` is the rig's and never
changes: it runs that script if there is one, and then the application's own boot code. So whenever power fails,
the next start has either the old application or the new one.

On littlefs each rename is atomic. On FAT it may leave two names for the same clusters, and removing either then
breaks the other; so on FAT the files are copied into place, and the staged ones removed at the end. Names
tell the two filesystems apart: FAT ignores their case.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

from camrig.board.firmware_modules import firmware_imports
from camrig.board.unfinished_deploy import FINISHED, FINISHING

RIG_FOLDER = "/.camrig"
APP_BOOT = RIG_FOLDER + "/boot.py"  # the application's boot code, or the code that was in /boot.py before
COMMIT_SCRIPT = RIG_FOLDER + "/commit.py"
RECORD = RIG_FOLDER + "/files"  # the paths that the rig manages, one a line
STAGED = RIG_FOLDER + "/new"
DIGEST_SIZE = 16  # bytes of each SHA-256 that are compared: enough against accidents, and half the traffic
STATE_DIGEST_SIZE = 8  # the same where every hash has a salt that nobody knew before
STATE = ("digests", "wrong_kind", "missing", "hiding", "fat", "record", "free", "size", "block")  # inspect() prints
PIECE_MIN, PIECE_MAX = 1024, 16384

# Is /boot.py. Ctrl-C must not end the commit script half-way, because the firmware would go on with main.py.
BOOT_GUARD = f"""\
# camrig: finish a deploy that lost power, then run the application's boot code, which is {APP_BOOT}
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
        _camrig_run("{COMMIT_SCRIPT}", {{}})
    finally:
        micropython.kbd_intr(3)


_camrig_finish()
_camrig_run("{APP_BOOT}", globals())
"""

# Completes an earlier deploy or removes its staged files, and reports what is on the board.
STATE_SCRIPT = f"""\
{firmware_imports("os", "io", "json", "gc", "hashlib", "binascii")}buf = bytearray(512)
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
        return bytes(32)
    return s.digest()
def text(p):
    with open(p) as f:
        return f.read()
def complete_commit():
    if kind('{COMMIT_SCRIPT}'):
        exec(text('{COMMIT_SCRIPT}'), {{}})
    if kind('{RIG_FOLDER}') == 2:
        for n in os.listdir('{RIG_FOLDER}'):
            if n[:3] == 'new':
                os.remove('{RIG_FOLDER}/' + n)
def inspect(paths, folders, hiding, same, record, dry, salt):
    if not dry:
        complete_commit()
    digests = [digest(p, salt)[:{STATE_DIGEST_SIZE}] for p in paths]
    joined = b''.join(digests)
    s = os.statvfs('/')
    print(json.dumps([
        '' if hashlib.sha256(joined).digest()[:{STATE_DIGEST_SIZE}] == same else binascii.b2a_base64(joined).decode(),
        [p for p in paths if kind(p) == 2] + [p for p in folders if kind(p) == 1],
        [p for p in folders if not kind(p)],
        [p for p in hiding if kind(p)],
        bool(kind('{RIG_FOLDER.upper()}') or kind('/BOOT.PY')),
        None if digests[-1] == record else text('{RECORD}') if kind('{RECORD}') else '',
        s[1] * s[3], s[1] * s[2], s[1]]))
"""

# Receives the new files as one stream, cut into pieces, and puts them in place. Needs STATE_SCRIPT.
WRITE_SCRIPT = f"""\
def begin(s):
    global sizes, n, f, left
    sizes, n, f, left = s, 0, None, 0
    if not kind('{RIG_FOLDER}'):
        os.mkdir('{RIG_FOLDER}')
    complete_commit()
def put(data):
    global n, f, left
    while True:
        if f is None:
            if n == len(sizes):
                break
            f = open('{STAGED}' + str(n), 'wb')
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
def commit(digests, boot, targets, removed):
    same = lambda p, i: digest(p)[:{DIGEST_SIZE}] == digests[i * {DIGEST_SIZE}:(i + 1) * {DIGEST_SIZE}]
    bad = [i for i in range(len(sizes)) if not same('{STAGED}' + str(i), i)]
    if bad:
        return print(json.dumps({{'damaged': bad}}))
    if boot is not None:
        install_guard('{STAGED}' + str(boot))
    if hasattr(os, 'sync'):
        os.sync()
    os.rename('{STAGED}' + str(len(sizes) - 1), '{COMMIT_SCRIPT}')
    complete_commit()
    print(json.dumps({{
        'damaged': [i for i in range(len(targets)) if not same(targets[i], i)],
        'remaining': [p for p in removed if kind(p)]}}))
"""

# Puts the rig's own /boot.py in place, where it is not yet, and keeps the one that was there. Needs STATE_SCRIPT.
GUARD_SCRIPT = f"""\
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
    if kind('{RIG_FOLDER.upper()}'):
        copy(a, b)
    else:
        os.rename(a, b)
def install_guard(staged):
    if kind('/boot.py'):
        with open('/boot.py', 'rb') as f:
            head = f.read(8)
        if not b'# camrig'.startswith(head):
            copy('/boot.py', '{STAGED}boot')
            move('{STAGED}boot', '{APP_BOOT}')
    move(staged, '/boot.py')
"""

# After a failure: removes the staged files, and reports how many bytes are free.
CLEANUP_SCRIPT = """\
try:
    f.close()
except Exception:
    pass
try:
    complete_commit()
finally:
    s = os.statvfs('/')
    print(json.dumps(s[1] * s[3]))
"""

_INFLATE = firmware_imports("io", "deflate") + "def z(b):return deflate.DeflateIO(io.BytesIO(b),deflate.ZLIB)\n"
_PLAIN = firmware_imports("io") + "def z(b):return io.BytesIO(b)\n"
# What ends a literal, or is a control key of the REPL that reads the command: Ctrl-A to Ctrl-E.
_SPECIAL = re.compile(rb"([\x00-\x05\n\r'\\])([0-7]?)", re.DOTALL)


def literal(data: bytes) -> bytes:
    """``data`` as a bytes literal of MicroPython, whose lexer accepts all bytes unescaped but for a few."""

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
    """An expression for a stream of ``data`` on the board, where ``command`` has defined ``z``."""
    if inflates:
        packer = zlib.compressobj(9, zlib.DEFLATED, window_bits(len(data)))
        data = packer.compress(data) + packer.flush()
    return b"z(" + literal(data) + b")"


def window_bits(size: int) -> int:
    """zlib's ``wbits`` for data of ``size`` bytes: the board allocates a window of 2 ** wbits bytes to inflate it."""
    return min(15, max(9, (size - 1).bit_length()))


def command(code: str, inflates: bool, first: bool = True) -> bytes:
    """A command that runs ``code`` on the board, compressed if the board ``inflates``.

    The ``first`` of an interpreter defines ``z`` for the others.
    """
    defined = (_INFLATE if inflates else _PLAIN) if first else ""
    return defined.encode() + b"exec(" + stream(code.encode(), inflates) + b".read())\n"


def piece_size(baud: int, heap: int) -> int:
    """How many bytes of the new files to send in one command.

    What takes less than a second on the line, so that progress shows, and what fits into ``heap`` free
    bytes: the compressed piece twice (as text and as an object), and the window.
    """
    return max(PIECE_MIN, min(PIECE_MAX, baud // 14, heap // 12))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """``data`` cut into pieces of ``size`` bytes, the last one shorter."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def commit_script(
    targets: Sequence[str], folders: Iterable[str], removed: Iterable[str], emptied: Iterable[str]
) -> bytes:
    """The script that ends a deploy: it moves staged file number n to ``targets[n]``.

    On FAT it copies them, and whoever runs the script removes the staged files. It skips files that have been moved
    already, so it can be run again from any point. ``folders`` are made first, parents before children;
    ``emptied`` are removed if nothing is left in them, children first. It prints how far it is, because a slow board
    takes a minute, and no Ctrl-C when it does this at its start.
    """
    return f"""\
{firmware_imports("os")}def no(f, p):
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
    os.stat('{COMMIT_SCRIPT.upper()}')
    move = copy
except OSError:
    pass
for p in {list(folders)!r}:
    no(os.mkdir, p)
n = 0
for t in {list(targets)!r}:
    print('{FINISHING} %d/{len(targets)}' % n)
    p = '{STAGED}' + str(n)
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
os.remove('{COMMIT_SCRIPT}')
print('{FINISHED}')
""".encode()
