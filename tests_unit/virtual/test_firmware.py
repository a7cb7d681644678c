"""Ordinary ESP32 code runs unmodified, and the host is out of reach."""

from __future__ import annotations

import http.client
import socket
import time

import pytest
from camrig.virtual.board import VirtualBoard, VirtualConfig

SERVER = """
import asyncio, network, time
async def answer(reader, writer):
    await reader.readline()
    writer.write(b'HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
    await writer.drain()
    writer.close()
async def main():
    await asyncio.start_server(answer, '0.0.0.0', 8080)
    print('SERVING')
    await asyncio.sleep(1000)
asyncio.run(main())
"""
JOIN = """
import network, time
w = network.WLAN(network.STA_IF)
w.active(True)
def join(ssid, key):
    w.connect(ssid, key)
    first = w.status()
    while w.status() == network.STAT_CONNECTING:
        time.sleep_ms(5)
    return first, w.status(), w.isconnected(), w.ifconfig()[0]
"""


def fetch(board, deadline=5.0):
    connection = http.client.HTTPConnection(board.address, 8080, timeout=deadline)
    connection.request("GET", "/")
    return connection.getresponse().read()


def test_a_virtual_board_names_itself_virtual(line):
    shown = line.run("import os, sys; print(sys.platform, os.uname().machine, sys.implementation._machine)")
    assert shown == "esp32 camrig virtual board with ESP32 camrig virtual board with ESP32"


def test_paths_and_time_are_those_of_an_esp32(line):
    assert line.run("import sys; print(sys.path, sys.argv)") == "['', '.frozen', '/lib'] []"
    year, now = line.run("import time; t = time.time(); print(time.localtime(t)[0], t)").split()
    assert int(year) == time.gmtime().tm_year
    assert abs(int(now) - (time.time() - 946684800)) < 5


def test_the_host_is_out_of_reach(line):
    names = "('system', 'getenv', 'VfsPosix')"
    code = f"import os, vfs, uos\nprint([n for m in (os, uos, vfs) for n in {names} if hasattr(m, n)])"
    assert line.run(code) == "[]"
    assert line.run("import os; print(os.listdir('/'))") == "[]"
    assert line.run("try: open('/etc/passwd')\nexcept OSError as e: print(e.errno)") == "2"
    assert line.run("import socket\ntry: socket.getaddrinfo('10.1.2.3', 80)\nexcept OSError as e: print(e)") == "-202"


def test_text_gets_carriage_returns_and_bytes_do_not(line):
    line.raw().exec_raw_no_follow("import sys\nsys.stdout.write('a\\n')\nsys.stdout.buffer.write(b'\\n\\xfe\\r\\n')")
    assert line.transport.follow(10) == (b"a\r\n\n\xfe\r\n", b"")


def test_wifi_joins_the_one_network_in_reach(line, board):
    shown = line.run(
        JOIN + "print(join('camrig-virtual', 'virtual-password'), w.status('rssi') < 0, w.config('mac')[0])"
    )
    assert shown == f"(1001, 1010, True, '{board.address}') True 2"
    assert line.run("import network; print(network.WLAN(network.STA_IF).isconnected())") == "True"
    line.hard_reset()
    assert line.run("import network; print(network.WLAN(network.STA_IF).isconnected())") == "False"


def test_wifi_status_says_why_it_does_not_join(line):
    assert line.run(JOIN + "print(join('somewhere', 'else'))") == "(1001, 201, False, '0.0.0.0')"
    assert line.run(JOIN + "print(join('camrig-virtual', 'wrong'))") == "(1001, 202, False, '0.0.0.0')"
    assert line.run(JOIN + "print([n[0] for n in w.scan()])") == "[b'camrig-virtual']"


def test_wifi_settings_can_be_changed_and_read(line):
    code = (
        JOIN
        + "w.config(pm=w.PM_NONE, hostname='cam')\nprint(w.config('pm'), w.config('hostname'), network.hostname())"
    )
    assert line.run(code) == "0 cam cam"


def test_power_save_is_on_unless_switched_off(line):
    assert line.run(JOIN + "print(w.config('pm') == network.WLAN.PM_PERFORMANCE)") == "True"


def test_a_server_on_all_addresses_is_on_the_boards_own(line, board):
    line.put("main.py", SERVER)
    line.hard_reset()
    line.until(b"SERVING\r\n")
    assert fetch(board) == b"ok"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", 8080), 2).close()
    line.type(b"\x03")
    assert b'File "asyncio/core.py"' in line.until(b"KeyboardInterrupt: \r\n")


def test_sockets_take_and_return_address_tuples(line, board):
    line.raw().exec_raw_no_follow(
        "import socket\ns = socket.socket()\ns.bind(('', 8081))\ns.listen(1)\nprint('up')\n"
        "c, a = s.accept()\nprint(a[0], type(a[1]))\nc.write(c.read(2))\nc.close()\ns.close()"
    )
    line.until(b"up\r\n")
    with socket.create_connection((board.address, 8081), 5) as client:
        client.sendall(b"hi")
        assert client.recv(2) == b"hi"
    assert line.transport.follow(10) == (b"127.0.0.1 <class 'int'>\r\n", b"")


def test_two_boards_serve_on_the_same_port(line, board, connect):
    line.put("main.py", SERVER)
    line.hard_reset()
    line.until(b"SERVING\r\n")
    with VirtualBoard.start(VirtualConfig()) as second_board:
        assert (second_board.path, second_board.address) != (board.path, board.address)
        second_line = connect(second_board)
        second_line.put("main.py", SERVER.replace("'ok'", "'no'").replace("nok", "nno"))
        second_line.hard_reset()
        second_line.until(b"SERVING\r\n")
        assert (fetch(board), fetch(second_board)) == (b"ok", b"no")


def test_pins_unique_id_and_idf_heap_are_available(line):
    pin = "p = Pin(4, Pin.OUT)\np.on()\nprint(p.value(), p())\np.toggle()\nprint(p.value())"
    assert line.run(f"from machine import Pin\n{pin}") == "1 1\n0"
    assert line.run("import machine; print(len(machine.unique_id()), machine.freq())") == "6 160000000"
    code = "import esp32\nprint(all(t >= f >= b for t, f, b, m in esp32.idf_heap_info(esp32.HEAP_DATA)))"
    assert line.run(code) == "True"


def test_starting_a_timer_raises(line):
    start = "t = machine.Timer(0)\ntry: t.init(period=5, callback=print)"
    code = f"import machine\n{start}\nexcept NotImplementedError as e: print(e)"
    assert "asyncio" in line.run(code)


def test_stock_firmware_has_no_camera(line):
    assert line.run("try: import camera\nexcept ImportError: print('none')") == "none"


def picture_size(jpeg):
    """Width and height out of a JPEG's frame header."""
    assert (jpeg[:2], jpeg[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    frame = jpeg.index(b"\xff\xc0")
    return int.from_bytes(jpeg[frame + 7 : frame + 9], "big"), int.from_bytes(jpeg[frame + 5 : frame + 7], "big")


@pytest.mark.parametrize(
    ("firmware", "code", "size"),
    [
        (
            "function",
            "camera.init(0, format=camera.JPEG, framesize=camera.FRAME_VGA)\ncamera.quality(10)",
            (640, 480),
        ),
        ("class", "c = camera.Camera(frame_size=camera.FrameSize.SVGA)\nc.set_quality(9)", (800, 600)),
    ],
)
def test_camera_firmwares_take_pictures(connect, firmware, code, size):
    take = "camera.capture()" if firmware == "function" else "bytes(c.capture())"
    with VirtualBoard.start(VirtualConfig(camera=firmware)) as board:
        raw = connect(board).raw()
        assert picture_size(raw.eval(f"[exec('''import camera\\n{code}'''), {take}][1]".replace("\n", "\\n"))) == size


def test_a_driver_that_fails_prints_its_code_and_works_again(connect):
    with VirtualBoard.start(VirtualConfig(camera="class", faults=("camera-error@0x106",))) as board:
        client = connect(board)
        text = client.run("import camera\ntry: camera.Camera()\nexcept OSError as e: print(e)")
        assert "camera: Camera probe failed with error 0x106(ESP_ERR_NOT_SUPPORTED)" in text
        assert text.endswith("Camera Init Failed")
        board.clear("camera-error")
        assert client.run("import camera\nprint(len(camera.Camera().capture()) > 100)") == "True"


def test_a_sensor_that_does_not_respond_raises(connect):
    with VirtualBoard.start(VirtualConfig(camera="absent-sensor")) as board:
        code = "import camera\nfor f in (camera.init, camera.Camera):\n try: f()\n except OSError as e: print(e)"
        assert connect(board).run(code) == "Camera Init Failed\nCamera Init Failed"
