"""The board's flash: littlefs on an image file, mounted as the root so that nothing of the host is left."""

import vfs

BLOCK = 4096


class Flash:
    def __init__(self, file, blocks):
        self.file = file
        self.blocks = blocks

    def readblocks(self, n, buf, offset=0):
        self.file.seek(n * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, n, buf, offset=0):
        self.file.seek(n * BLOCK + offset)
        self.file.write(buf)

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
    vfs.umount("/")
    vfs.mount(fs, "/")
    return bdev
