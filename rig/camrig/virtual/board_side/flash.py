"""The board's flash: littlefs on an image file, mounted as the root so that the host's files are out of reach."""

import fault_cells
import supervisor_channel
import vfs

BLOCK = 4096
PAGE = 256  # bytes that the chip programs at a time
FILLING = "filling.bin"


class FlashDevice:
    def __init__(self, file, blocks):
        self.file = file
        self.blocks = blocks

    def readblocks(self, n, buf, offset=0):
        self.file.seek(n * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, n, buf, offset=0):
        left = fault_cells.get("cut")
        if left:
            self.count_down(left - 1, n * BLOCK + offset, buf)
        self.file.seek(n * BLOCK + offset)
        self.file.write(buf)

    def count_down(self, left, at, buf):
        """Power fails after ``left`` more bytes: the rest of that page is half programmed."""
        if len(buf) <= left:
            fault_cells.put("cut", left - len(buf) + 1)
            return
        self.file.seek(at)
        self.file.write(buf[:left])
        for i in range(left, min(len(buf), left + PAGE - (at + left) % PAGE)):
            self.file.write(bytes((buf[i] | 0x5A,)))
        supervisor_channel.halt("P")

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        return 0


def mount(path, blocks):
    bdev = FlashDevice(open(path, "r+b"), blocks)
    try:
        fs = vfs.VfsLfs2(bdev)
    except OSError:
        vfs.VfsLfs2.mkfs(bdev)
        fs = vfs.VfsLfs2(bdev)
        with fs.open("boot.py", "w") as f:
            f.write("# boot.py: runs at every start of the board, before main.py\n")
    spare = fault_cells.get("fill")
    if spare:
        fill(fs, spare)
    vfs.umount("/")
    vfs.mount(fs, "/")
    return bdev


def fill(fs, spare):
    """Leave ``spare`` - 2 bytes free; 1 removes the filling."""
    try:
        fs.remove(FILLING)
    except OSError:
        pass
    if spare == 1:
        fault_cells.put("fill", 0)
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
