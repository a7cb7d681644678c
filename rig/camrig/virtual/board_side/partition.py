"""``esp32.Partition`` on the file that holds the firmware. What boots is the supervisor's to decide: it is asked.

``esp_esp32.py`` runs this with the names ``slots``, whose ``blocks`` is the number of the running slot,
``fault_cells``, ``supervisor_channel``, ``struct`` and ``time``: an application's files hide none of them.
"""
# ruff: noqa: F821

import __main__

BLOCK = 4096
TABLE = 0x8000
ENOENT = 2
INVALID_ARGUMENT, INVALID_SIZE = 0x102, 0x104
NAMES = {
    1: "ESP_FAIL",
    0x102: "ESP_ERR_INVALID_ARG",
    0x104: "ESP_ERR_INVALID_SIZE",
    0x105: "ESP_ERR_NOT_FOUND",
    0x1503: "ESP_ERR_OTA_VALIDATE_FAILED",
}


def fail(code):
    raise OSError(-code, NAMES[code])


def ask(question):
    """The supervisor's answer, a number."""
    fault_cells.put("answer", 0)
    supervisor_channel.request("O", question)
    while not (answer := fault_cells.get("answer")):
        time.sleep_ms(1)
    return answer - 1


def demand(question):
    if code := ask(question):
        fail(code)


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id, block_size=BLOCK):
        if isinstance(id, int):
            if id not in (0, 1):
                raise ValueError
            self._row = apps[slots.blocks if id else ask("boot")]
        else:
            named = [row for row in sorted(rows) if row[4] == id]
            if not named:
                raise OSError(ENOENT)
            self._row = named[0]
        self._block = block_size

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None, block_size=BLOCK):
        return [
            Partition(row[4], block_size)
            for row in rows
            if row[0] == type and subtype in (0xFF, row[1]) and label in (None, row[4])
        ]

    @staticmethod
    def mark_app_valid_cancel_rollback():
        demand("valid")

    def info(self):
        return self._row + (False,)

    def _place(self, n, length, offset):
        start = n * self._block + offset
        if start < 0 or start + length > self._row[3]:
            fail(INVALID_SIZE)
        return start

    def readblocks(self, n, buf, offset=0):
        place = self._place(n, len(buf), offset)
        if self._row[4] == "vfs":
            __main__.bdev.readblocks(0, buf, place)
        else:
            slots.readblocks(0, buf, self._row[2] + place)

    def writeblocks(self, n, buf, offset=None):
        place = self._place(n, len(buf), offset or 0)
        if offset is None and (place % BLOCK or len(buf) % BLOCK):
            fail(INVALID_SIZE if len(buf) % BLOCK else INVALID_ARGUMENT)
        if self._row[4] == "vfs":
            __main__.bdev.writeblocks(0, buf, place)
        else:
            slots.writeblocks(0, buf, self._row[2] + place)

    def ioctl(self, op, arg):
        if op == 4:
            return self._row[3] // self._block
        if op == 5:
            return self._block
        if op == 6:
            self.writeblocks(arg * self._block // BLOCK, b"\xff" * BLOCK)
        return 0 if op in (1, 2, 3, 6) else None

    def set_boot(self):
        demand("set %d" % (apps.index(self._row) if self._row in apps else -1))

    def get_next_update(self):
        if len(apps) < 2:
            raise OSError(ENOENT)
        at = apps.index(self._row) if self._row in apps else 0
        return Partition(apps[(at + 1) % len(apps)][4])

    def __repr__(self):
        return "<Partition type=%u, subtype=%u, address=%u, size=%u, label=%s, encrypted=0>" % self._row


def read_table():
    entry = bytearray(32)
    for place in range(TABLE, TABLE + 0xC00, 32):
        slots.readblocks(0, entry, place)
        if entry[:2] != b"\xaa\x50":
            return
        type, subtype, address, size, label = struct.unpack("<BBII16s", memoryview(entry)[2:])
        yield (type, subtype, address, size, label.rstrip(b"\0").decode())


rows = list(read_table())
apps = [row for row in rows if row[0] == 0]
