"""Wi-Fi that refuses, is slow or goes away, a server that hangs, and memory that runs out, seen through HTTP."""

from __future__ import annotations

import contextlib
import http.client
import time

import pytest

SERVER = """
import asyncio
async def answer(reader, writer):
    try:
        while (await reader.readline()).strip():
            pass
        body = bytes(20000)
        writer.write(b'HTTP/1.0 200 OK\\r\\n\\r\\n')
        await writer.drain()
        writer.write(body)
        await writer.drain()
    except (OSError, MemoryError) as e:
        print('raised', type(e).__name__, *e.args[:1])
    writer.close()
    await writer.wait_closed()
async def main():
    await asyncio.start_server(answer, '0.0.0.0', 8080)
    print('SERVING')
    n = 0
    while True:
        await asyncio.sleep(0.05)
        print('beat', n)
        n += 1
asyncio.run(main())
"""
JOIN = """
import network, time
w = network.WLAN(network.STA_IF)
w.active(True)
def join():
    t = time.ticks_ms()
    w.connect('camrig-virtual', 'virtual-password')
    while w.status() == network.STAT_CONNECTING:
        time.sleep_ms(5)
    return w.status(), w.isconnected(), time.ticks_diff(time.ticks_ms(), t)
"""


@pytest.fixture
def server(line, board):
    """A client of the module's board, which serves."""
    line.put("main.py", SERVER)
    line.hard_reset()
    line.until(b"SERVING\r\n")
    yield line
    board.clear()


def get(board, seconds=10.0):
    """The body of a response; raises what a client of a failing server sees."""
    with contextlib.closing(http.client.HTTPConnection(board.address, 8080, timeout=seconds)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().read()


def test_the_access_point_refuses_with_the_configured_status(line, board):
    board.fault("wifi-refused")
    assert line.run(JOIN + "print(*join()[:2], w.ifconfig()[0])") == "203 False 0.0.0.0"
    board.fault("wifi-refused@204")
    assert line.run(JOIN + "print(*join()[:2])") == "204 False"
    board.clear()
    assert line.run(JOIN + "print(*join()[:2])") == "1010 True"


def test_joining_takes_the_configured_time(line, board):
    board.fault("wifi-slow@0.5")
    status, connected, ms = line.run(JOIN + "print(*join())").split()
    assert (status, connected) == ("1010", "True")
    assert int(ms) >= 500
    board.clear()


def test_the_access_point_goes_away_and_comes_back(line, board):
    raw = line.raw()
    raw.exec(JOIN + "print(join())")
    board.fault("wifi-lost")
    state = "print(w.status(), w.isconnected(), w.ifconfig()[0], len(w.scan()))"
    assert raw.exec(state).strip() == b"1010 True %s 1" % board.address.encode()  # not before an application listens
    board.fault("wifi-lost@now")
    assert raw.exec(state).strip() == b"200 False 0.0.0.0 0"
    board.clear()
    assert raw.exec(state).strip() == b"1010 True %s 1" % board.address.encode()
    board.fault("wifi-lost@now")
    assert raw.exec("print(*join()[:2])").strip() == b"201 False"
    board.clear()


def test_a_server_without_a_network_keeps_running(server, board):
    assert len(get(board)) == 20000
    board.fault("wifi-lost")
    with pytest.raises(TimeoutError):
        get(board, 0.3)
    server.until(b"beat")
    board.clear()
    assert len(get(board)) == 20000


def test_a_network_comes_back_by_itself(server, board):
    board.fault("wifi-lost@0.2")
    for _ in range(100):
        with contextlib.suppress(TimeoutError):
            assert len(get(board, 0.2)) == 20000
            break
    else:
        pytest.fail("the network did not come back")


@pytest.mark.parametrize("fault", ["net-reset@1", "net-drop@1", "port-closed"])
def test_no_connection_is_served_until_the_fault_is_cleared(server, board, fault):
    board.fault(fault)
    error = TimeoutError if fault == "net-drop@1" else ConnectionError
    for _ in range(3):
        with pytest.raises(error):
            get(board, 0.3)
    board.clear()
    assert len(get(board)) == 20000


@pytest.mark.parametrize(("fault", "least"), [("net-delay@100", 0.1), ("net-lose@1", 0.99), ("net-jitter@50", 0.0)])
def test_connections_are_served_later(server, board, fault, least):
    board.fault(fault)
    start = time.monotonic()
    assert len(get(board)) == 20000
    assert time.monotonic() - start >= least


@pytest.mark.parametrize("kind", ["net-reset", "net-drop"])
def test_a_share_of_the_connections_is_lost(server, board, kind):
    board.fault(f"{kind}@0.2")
    lost = 0
    for _ in range(60):
        try:
            get(board, 0.3)
        except (OSError, http.client.HTTPException):
            lost += 1
    assert 1 <= lost <= 40


def test_a_new_address_is_known_from_the_next_start_on(faulty, connect):
    board = faulty()
    line = connect(board)
    assert line.run(JOIN + "join()\nprint(w.ifconfig()[0])") == board.address
    board.fault("new-address@now")
    assert line.run(JOIN + "join()\nprint(w.ifconfig()[0])") not in ("0.0.0.0", board.address)


def test_a_weak_signal_is_reported(line, board):
    board.fault("weak-signal@88")
    assert line.run(JOIN + "join()\nprint(w.status('rssi'))") == "-88"
    board.clear()


def test_a_server_hangs_until_it_is_interrupted(server, board):
    board.fault("server-hang")
    for _ in range(2):
        with pytest.raises(TimeoutError):
            get(board, 0.3)
    server.listen()
    assert server.listen() == b""  # not even a beat
    server.type(b"\x03")
    server.until(b">>> ")
    server.type(b"\x04")  # a soft reset ends it
    server.until(b"SERVING\r\n")
    assert len(get(board)) == 20000


def test_sends_fail_with_enobufs_the_configured_number_of_times(server, board):
    board.fault("enobufs@2")
    for _ in range(2):
        assert broken(board)
        server.until(b"raised OSError 105\r\n")
    assert len(get(board)) == 20000


def broken(board):
    """Whether a request ends without a response."""
    try:
        get(board)
    except (http.client.HTTPException, ConnectionError):
        return True
    return False


def test_heap_runs_out_and_comes_back_with_a_reset(server, board):
    board.fault("heap-exhausted@8192")
    for _ in range(2):
        assert broken(board)
        server.until(b"raised MemoryError")
    server.type(b"\x03")
    server.until(b">>> ")
    server.type(b"\x04")
    server.until(b"SERVING\r\n")
    assert len(get(board)) == 20000


def test_heap_comes_back_when_the_fault_is_cleared(server, board):
    board.fault("heap-exhausted@8192")
    assert broken(board)
    board.clear()
    assert len(get(board)) == 20000


def test_a_fault_can_wait_for_the_third_request(server, board):
    board.fault("guru@request*3")
    assert [len(get(board)) for _ in range(2)] == [20000, 20000]
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        get(board)
    server.until(b"Guru Meditation Error")
    server.until(b"SERVING\r\n")
    assert len(get(board)) == 20000


def test_a_silent_board_serves_nothing_until_a_power_cycle(server, board):
    board.fault("silent@request")
    for _ in range(2):
        with pytest.raises(TimeoutError):
            get(board, 0.3)
    server.listen()
    server.type(b"\x03\x03\r\x01\x04")
    assert server.listen() == b""
    board.power_cycle()
    server.until(b"SERVING\r\n")
    assert len(get(board)) == 20000


def test_a_brownout_can_strike_when_the_board_joins(faulty, connect):
    board = faulty("brownout@joined")
    line = connect(board)
    raw = line.raw()
    raw.exec_raw_no_follow(JOIN + "print(join())\nprint('on')")
    shown = line.until(b">>> ")
    assert b"rst:0xf (RTCWDT_BROWN_OUT_RESET)" in shown
    assert b"on\r\n" not in shown.partition(b"Brownout")[0]
