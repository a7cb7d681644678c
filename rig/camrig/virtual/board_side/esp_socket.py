"""Sockets of a board whose whole network is one loopback address."""

import io
import socket as _socket
import time

import switches

HIDDEN = ("AF_UNIX", "inet_ntop", "inet_pton", "sockaddr")

_FILENO = 10  # MP_STREAM_GET_FILENO
_CLOSE = 4  # MP_STREAM_CLOSE
_HOST_NOT_FOUND = -202  # what lwIP says
_ENOBUFS = 105
_HANGS_MS = 20
_own = ""
_unheard = []  # connections made while the network is away: the other end waits in vain


def power_on(board):
    global _own
    _own = board["address"]


def getaddrinfo(host, port, *rest):
    if host in ("", "0.0.0.0"):
        host = _own
    elif host == "localhost":
        host = "127.0.0.1"
    elif not host.startswith("127."):
        raise OSError(_HOST_NOT_FOUND)
    return _socket.getaddrinfo(host, port, *rest)


def _raw(address):
    return getaddrinfo(*address)[0][-1] if isinstance(address, tuple) else address


def _plain(raw):
    family, host, port = _socket.sockaddr(raw)[:3]
    return _socket.inet_ntop(family, host), port


class socket(io.IOBase):
    """A listener or a client; what ``accept`` returns is the interpreter's own socket."""

    def __init__(self, *kind):
        self._s = _socket.socket(*kind)

    def __getattr__(self, name):
        return getattr(self._s, name)

    def ioctl(self, request, arg):
        if request == _FILENO:
            return self._s.fileno()
        if request == _CLOSE:
            self._s.close()
        return 0

    def bind(self, address):
        self._s.bind(_raw(address))

    def connect(self, address):
        self._s.connect(_raw(address))

    def listen(self, *backlog):
        self._s.listen(*backlog)
        switches.event("L", True)

    def accept(self):
        while True:
            peer, raw = self._s.accept()
            if switches.get("inside") or switches.eaten or _unheard:
                peer = _received(peer)
            if peer is not None:
                return peer, _plain(raw)

    def sendall(self, data):
        data = memoryview(data)
        while len(data):
            data = data[self._s.send(data) :]

    def sendto(self, data, address):
        return self._s.sendto(data, _raw(address))

    def recvfrom(self, size):
        data, raw = self._s.recvfrom(size)
        return data, _plain(raw)

    def makefile(self, *mode):
        return self


class Troubled(socket):
    """A connection whose sends fail for want of a buffer, or that is never heard, as long as a switch says so.

    A server that hangs hangs here, where Ctrl-C ends it as it ends any wait: asyncio's ``accept`` would swallow it.
    """

    def __init__(self, peer):
        self._s = peer

    def write(self, data):
        left = switches.get("enobufs")
        if left:
            switches.put("enobufs", left - 1)
            raise OSError(_ENOBUFS)
        return self._s.write(data)

    send = write

    def __getattr__(self, name):
        while name[:4] in ("read", "recv") and switches.get("hang"):
            time.sleep_ms(_HANGS_MS)
        return getattr(self._s, name)


def _received(peer):
    """The connection as the faults in force let the server have it; None if it never hears of it."""
    if switches.get("away"):
        if len(_unheard) == 8:
            _unheard.pop(0).close()
        _unheard.append(peer)
        return None
    while _unheard:
        _unheard.pop().close()
    switches.event("Q")
    switches.eat()
    return Troubled(peer) if switches.get("enobufs") or switches.get("hang") else peer
