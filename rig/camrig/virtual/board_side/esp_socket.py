"""``socket`` of a board whose whole network is one loopback address."""

import io
import random
import socket as _socket
import time

import fault_cells

HIDDEN = ("AF_UNIX", "inet_ntop", "inet_pton", "sockaddr")

_FILENO = 10  # MP_STREAM_GET_FILENO
_CLOSE = 4  # MP_STREAM_CLOSE
_HOST_NOT_FOUND = -202  # lwIP's error
_ENOBUFS = 105
_ENFILE = 23
_SOCKETS = 10  # that lwIP has in stock firmware: listeners, clients and connections together
_SEND_BUFFER = 5744  # bytes of each of lwIP's connections; Linux doubles it, for what it keeps beside them
_OF_LINUX, _SO_SNDBUF = 1, 7
_HANG_MS = 20
_address = ""
_call_ms = 0  # what a call costs on a slow chip
_unserved = []  # connections that the server never gets
_held = [None] * _SOCKETS


def power_on(board):
    global _address, _call_ms
    _address = board["address"]
    _call_ms = board["call_ms"]


def getaddrinfo(host, port, *rest):
    if host in ("", "0.0.0.0"):
        host = _address
    elif host == "localhost":
        host = "127.0.0.1"
    elif not host.startswith("127."):
        raise OSError(_HOST_NOT_FOUND)
    return _socket.getaddrinfo(host, port, *rest)


def _sockaddr(address):
    return getaddrinfo(*address)[0][-1] if isinstance(address, tuple) else address


def _tuple(raw):
    family, host, port = _socket.sockaddr(raw)[:3]
    return _socket.inet_ntop(family, host), port


class socket(io.IOBase):
    """A listener or a client; what ``accept`` returns is the interpreter's own socket."""

    def __init__(self, *kind):
        self._s = _held_or_closed(_socket.socket(*kind))

    def __getattr__(self, name):
        return getattr(self._s, name)

    def ioctl(self, request, arg):
        if request == _FILENO:
            return self._s.fileno()
        if request == _CLOSE:
            self._s.close()
        return 0

    def bind(self, address):
        self._s.bind(_sockaddr(address))

    def connect(self, address):
        self._s.connect(_sockaddr(address))

    def listen(self, *backlog):
        self._s.listen(*backlog)
        fault_cells.event("L", True)

    def accept(self):
        while True:
            peer, raw = self._s.accept()
            if _call_ms or fault_cells.get("inside") or fault_cells.ballast or _unserved:
                peer = _admitted(peer)
            if peer is not None:
                return _held_or_closed(peer), _tuple(raw)

    def sendall(self, data):
        data = memoryview(data)
        while len(data):
            data = data[self._s.send(data) :]

    def sendto(self, data, address):
        return self._s.sendto(data, _sockaddr(address))

    def recvfrom(self, size):
        data, raw = self._s.recvfrom(size)
        return data, _tuple(raw)

    def makefile(self, *mode):
        return self


class FaultySocket(socket):
    """A connection whose calls are slow, whose sends fail for lack of a buffer, or whose reads hang, as set.

    A server that hangs does it in a read, where Ctrl-C ends it like any wait: asyncio's ``accept`` would swallow it.
    """

    def __init__(self, peer):
        self._s = peer

    def write(self, data):
        time.sleep_ms(_call_ms)
        left = fault_cells.get("enobufs")
        if left:
            fault_cells.put("enobufs", left - 1)
            raise OSError(_ENOBUFS)
        return self._s.write(data)

    send = write

    def __getattr__(self, name):
        if name[:4] in ("read", "recv", "clos"):
            time.sleep_ms(_call_ms)
        while name[:4] in ("read", "recv") and fault_cells.get("hang"):
            time.sleep_ms(_HANG_MS)
        return getattr(self._s, name)


def _held_or_closed(opened):
    """The socket, in one of lwIP's places; without one it is closed, also if its client believes to be connected."""
    for number in range(_SOCKETS):
        if _held[number] is None or _held[number].fileno() < 0:
            _held[number] = opened
            return opened
    opened.close()
    raise OSError(_ENFILE)


def _admitted(peer):
    """The connection that the server gets under the active faults; None if it gets none."""
    if fault_cells.get("away") or fault_cells.get("moved"):
        return _leave_unserved(peer)
    if not fault_cells.get("drop_ppm"):
        while _unserved:
            _unserved.pop().close()
    fault_cells.event("Q")
    fault_cells.take_heap()
    if fault_cells.get("closed") or _happens("reset_ppm"):
        peer.close()
        return None
    if _happens("drop_ppm"):
        return _leave_unserved(peer)
    delay = _call_ms + fault_cells.get("delay_ms") + random.randint(0, fault_cells.get("jitter_ms"))
    time.sleep_ms(delay + (1000 if _happens("late_ppm") else 0))
    if _call_ms and _socket.SOL_SOCKET == _OF_LINUX:
        peer.setsockopt(_OF_LINUX, _SO_SNDBUF, _SEND_BUFFER)
    return FaultySocket(peer) if _call_ms or fault_cells.get("enobufs") or fault_cells.get("hang") else peer


def _leave_unserved(peer):
    if len(_unserved) == 8:
        _unserved.pop(0).close()
    _unserved.append(peer)


def _happens(cell):
    """Whether a fault strikes this connection: in as many of a million as its cell says."""
    return random.randint(1, 1000000) <= fault_cells.get(cell)
