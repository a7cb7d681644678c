"""Sockets of a board whose whole network is one loopback address."""

import io
import socket as _socket

HIDDEN = ("AF_UNIX", "inet_ntop", "inet_pton", "sockaddr")

_FILENO = 10  # MP_STREAM_GET_FILENO
_CLOSE = 4  # MP_STREAM_CLOSE
_HOST_NOT_FOUND = -202  # what lwIP says
_own = ""


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

    def accept(self):
        peer, raw = self._s.accept()
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
