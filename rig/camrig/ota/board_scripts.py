"""What runs on the board while firmware is written from MicroPython, which must have ``esp32.Partition``.

The running firmware stays as it is: only the spare slot is erased, block by block, each just before it is written.
"""

from __future__ import annotations

from camrig.board.firmware_modules import firmware_imports

BLOCK = 4096  # bytes that flash erases at once
DIGEST_SIZE = 8  # bytes of each block's SHA-256: they say what to send; the whole hash says what is there

# Reports running slot, the name of the one that boots next, the spare slot, and the records of the OTA data.
SLOTS_SCRIPT = (
    firmware_imports("json", "binascii")
    + """\
def slots():
    try:
        from esp32 import Partition
        Partition.mark_app_valid_cancel_rollback
    except (ImportError, AttributeError):
        return None
    running = Partition(Partition.RUNNING)
    try:
        data = Partition.find(Partition.TYPE_DATA, 0)[0]
        spare = running.get_next_update()
    except (OSError, IndexError):
        return None
    records = bytearray(64)
    view = memoryview(records)
    data.readblocks(0, view[:32])
    data.readblocks(1, view[32:])
    return running.info(), Partition(Partition.BOOT).info()[4], spare.info(), binascii.hexlify(records).decode()
print(json.dumps(slots()))
"""
)

# Hashes what is in a slot, as a whole and by blocks.
SURVEY_SCRIPT = f"""\
{firmware_imports("gc", "json", "hashlib", "binascii")}from esp32 import Partition
buf = bytearray({BLOCK})
view = memoryview(buf)
def survey(label, size):
    p = Partition(label)
    s = hashlib.sha256()
    digests = []
    for n in range((size + {BLOCK - 1}) // {BLOCK}):
        p.readblocks(n, buf)
        part = view[:min({BLOCK}, size - n * {BLOCK})]
        s.update(part)
        digests.append(hashlib.sha256(part).digest()[:{DIGEST_SIZE}])
    print(json.dumps([binascii.hexlify(s.digest()).decode(), binascii.b2a_base64(b''.join(digests)).decode()]))
"""

# Receives blocks as one stream, cut into pieces of any size. Needs SURVEY_SCRIPT.
WRITE_SCRIPT = f"""\
def begin(label, numbers):
    global p, todo, n
    p, todo, n = Partition(label), iter(numbers), 0
def put(data):
    global n
    while True:
        k = data.readinto(view[n:])
        if not k:
            break
        n += k
        if n == {BLOCK}:
            p.writeblocks(next(todo), buf)
            n = 0
"""

CONFIRM_SCRIPT = """\
from esp32 import Partition
Partition.mark_app_valid_cancel_rollback()
"""
