"""The board's flash: littlefs on an image file, mounted as the root so that nothing of the host is left."""

import switches
import vfs
import wire

BLOCK = 4096
PAGE = 256  # what the chip programs at a time
FILLING = "filling.bin"


class Flash:
    def __init__(self, file, blocks):
        self.file = file
        self.blocks = blocks

    def readblocks(self, n, buf, offset=0):
        self.file.seek(n * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, n, buf, offset=0):
        left = switches.get("cut")
        if left:
            self.countdown(left - 1, n * BLOCK + offset, buf)
        self.file.seek(n * BLOCK + offset)
        self.file.write(buf)

    def countdown(self, left, at, buf):
        """Power fails when ``left`` more bytes are written: the rest of that page is half programmed."""
        if len(buf) <= left:
            switches.put("cut", left - len(buf) + 1)
            return
        self.file.seek(at)
        self.file.write(buf[:left])
        for i in range(left, min(len(buf), left + PAGE - (at + left) % PAGE)):
            self.file.write(bytes((buf[i] | 0x5A,)))
        wire.halt("P")

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        return 0


def mount(path, blocks):
    bdev = Flash(open(path, "r+b"), blocks)
    try:
        fs = vfs.VfsLfs2(bdev)
    except OSError:
        vfs.VfsLfs2.mkfs(bdev)
        fs = vfs.VfsLfs2(bdev)
        with fs.open("boot.py", "w") as f:
            f.write("# boot.py: runs at every start of the board, before main.py\n")
    spare = switches.get("fill")
    if spare:
        fill(fs, spare)
    vfs.umount("/")
    vfs.mount(fs, "/")
    return bdev


def fill(fs, spare):
    """Leave ``spare`` - 2 bytes free; 1 gives all of them back."""
    try:
        fs.remove(FILLING)
    except OSError:
        pass
    if spare == 1:
        switches.put("fill", 0)
        return
    size, _, _, free = fs.statvfs("/")[:4]
    with fs.open(FILLING, "wb") as f:
        block = b"\xa5" * size
        while free * size > spare - 2:
            try:
                f.write(block)
                f.flush()
            except OSError:
                break
            free = fs.statvfs("/")[3]
