"""Power that fails in a flash write, and a full flash."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys

import pytest

BANNER = b'camrig virtual board with ESP32\r\nType "help()" for more information.\r\n>>> '
SIZE = 100 * 1024
CUTS = 40
WRITE = f"""
import os
def write(turn):
    with open('new.tmp', 'wb') as f:
        for i in range({SIZE} // 1024):
            f.write(bytes(((turn + i) & 255,)) * 1024)
    os.rename('new.tmp', 'data')
for turn in range(*TURNS):
    write(turn)
"""
CHECK = """
import binascii, hashlib, os
def sha(name):
    h = hashlib.sha256()
    with open(name, 'rb') as f:
        while True:
            b = f.read(4096)
            if not b:
                return binascii.hexlify(h.digest()).decode()
            h.update(b)
print(sha('kept'), sha('data'), len(os.listdir()))
"""


def content(turn: int) -> bytes:
    return b"".join(bytes(((turn + i) & 255,)) * 1024 for i in range(SIZE // 1024))


def test_forty_power_cuts_leave_old_or_new_content_whole(faulty, connect):
    """Cuts spread over writes of a file of 100 KB: the filesystem mounts, and the file is never half written."""
    board = faulty(flash_blocks=128)
    line = connect(board)
    line.raw().fs_writefile("kept", content(0), chunk_size=4096)
    line.raw().exec(WRITE.replace("TURNS", "(1,)"))
    whole = {hashlib.sha256(content(turn)).hexdigest(): turn for turn in range(4)}
    turns = []
    for cut in range(CUTS):
        board.fault(f"power-cut@{cut * 3 * SIZE // (2 * CUTS) + 37 * cut % 256}")
        line.raw(soft_reset=False).exec_raw_no_follow(WRITE.replace("TURNS", "(1, 4)"))
        assert b"rst:0x1 (POWERON_RESET)" in line.until(BANNER)
        kept, data, files = line.raw(soft_reset=False).exec(CHECK).decode().split()
        assert whole[kept] == 0
        turns.append(whole[data])
        assert int(files) <= 4  # boot.py, kept, data, new.tmp
    assert len(board.struck()) == CUTS
    assert set(turns) == {0, 1}  # the old content, and after the late cuts the new


def test_power_fails_at_the_configured_byte(faulty, tmp_path):
    """While a new filesystem is made: the next start makes it again."""
    image = tmp_path / "image"
    board = faulty("power-cut@200", flash=image, flash_blocks=16)
    command = [
        sys.executable,
        "-m",
        "mpremote",
        "connect",
        board.path,
        "resume",
        "exec",
        "import os; print(os.listdir())",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "['boot.py']", done.stderr
    assert len(board.struck()) == 1


def test_a_full_flash_leaves_the_configured_bytes_free(faulty, connect):
    board = faulty("flash-full@8192", flash_blocks=64)
    line = connect(board)
    free = "import os; s = os.statvfs('/'); print(s[0] * s[3])"
    assert 0 < int(line.run(free)) <= 8192
    with pytest.raises(OSError) as raised:
        line.raw().fs_writefile("big", bytes(20_000))
    assert raised.value.errno == errno.ENOSPC
    board.clear("flash-full")
    assert int(line.run(f"os = __import__('os'); os.remove('big')\n{free}")) > 50 * 4096


def test_a_flash_fills_up_at_the_next_start(line, board):
    board.fault("flash-full")
    assert line.run("import os; print(os.statvfs('/')[3])") in "01"
    board.clear()
    assert int(line.run("import os; print(os.statvfs('/')[3])")) > 400
