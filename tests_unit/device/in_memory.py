"""Exchanges in memory with plain Microdot and with http_server, on CPython and on MicroPython alike."""

import asyncio
import binascii
import json
import sys

from microdot import Microdot, Request, Response

LONGEST_LINE = Request.max_readline
PREFLIGHT = (
    b"OPTIONS /echo HTTP/1.1\r\nHost: board\r\nOrigin: https://app.example\r\n"
    b"Access-Control-Request-Method: PUT\r\n\r\n"
)
POST = b"POST /echo?a=1 HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nline 1\nline2"
ODD = (
    b"",
    b"\r\n\r\n",
    b"\n",
    b"HELLO\r\n\r\n",
    b"GET /echo",
    b"GET /echo HTTP/1.1",
    b"GET /echo HTTP/1.1\r\n",
    b"GET /echo HTTP\r\n\r\n",
    b"GET / a b HTTP/1.1\r\n\r\n",
    b"GET /echo HTTP/1.1\n\n",
    b"GET /echo HTTP/1.1\r\nX: 1\r\n \t \r\nY: 2\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nX-Nul: \0\0\r\n\0\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nX-Noise: \xff\xfe\x80\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160)),
    b"GET /none HTTP/1.1\r\n\r\n",
    b"HEAD /echo HTTP/1.1\r\n\r\n",
    b"HEAD /chunks HTTP/1.1\r\n\r\n",
    b"GET /chunks HTTP/1.1\r\n\r\n",
    b"GET /nothing HTTP/1.1\r\n\r\n",
    b"PUT /nothing HTTP/1.1\r\n\r\n",
    b"GET /large HTTP/1.1\r\n\r\n",
    b"GET /echo HTTP/1.1\r\n\r\n" * 3,
    b"POST /echo HTTP/1.1\r\nContent-Length: many\r\n\r\nbody",
    b"POST /echo HTTP/1.1\r\nContent-Length: -5\r\n\r\nbody 123456",
    b"POST /echo HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nbody",
    b"POST /echo HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody and what follows",
    b"POST /echo HTTP/1.1\r\nContent-Length: 400\r\n\r\nbody",
    POST,
    PREFLIGHT,
)
READS = ("all", "pieces", "lines", "exactly", "none")
STREAMED = b"line 1\nline 2\r\n\n" + b"x" * 600 + b"\n" + b"y" * 20 + b"\n" * 70 + b"end"


class Stream:
    """Both directions of a connection: the client sends ``pieces``, one packet each, and then no more."""

    def __init__(self, pieces):
        self.pieces = [piece for piece in pieces if piece]
        self.reads = 0
        self.sent = []

    def get_extra_info(self, name):
        return ("192.0.2.1", 50000)

    async def read(self, n=-1):
        self.reads += 1
        if n < 0:
            data, self.pieces = b"".join(self.pieces), []
            return data
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if piece[n:]:
            self.pieces.insert(0, piece[n:])
        return piece[:n]

    async def readline(self):
        line = b""
        while self.pieces and line[-1:] != b"\n":
            line += await self.read(self.pieces[0].find(b"\n") + 1 or len(self.pieces[0]))
        return line

    async def readexactly(self, n):
        if n < 0:
            raise ValueError("negative")
        data = b""
        while len(data) < n:
            piece = await self.read(n - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def write(self, data):
        self.sent.append(bytes(data))

    async def drain(self):
        await asyncio.sleep(0)

    async def awrite(self, data):
        self.write(data)
        await self.drain()

    async def aclose(self):
        pass


class Chunks:
    def __init__(self, *chunks):
        self.chunks = list(chunks)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.chunks:
            raise StopAsyncIteration
        return self.chunks.pop(0)


def hexadecimal(data):
    return binascii.hexlify(data).decode()


def with_routes(app):
    """Add routes that show what arrived, and that answer in every way."""

    @app.route("/echo", methods=["GET", "POST"])
    async def echo(request):
        return {
            "line": [request.method, request.url, request.http_version],
            "headers": [[name, request.headers[name]] for name in sorted(request.headers)],
            "body": hexadecimal(request.body),
        }

    @app.get("/chunks")
    async def chunks(request):
        return Chunks(b"one", b"two" * 1000, b"\r\n", b"three")

    @app.route("/nothing", methods=["GET", "PUT"])
    async def nothing(request):
        return None if request.method == "GET" else Response(None, 304)

    @app.get("/large")
    async def large(request):
        return b"large" * 6000, {"X-Long": "x" * 700, "X-Longer": "y" * 1500, "X-Last": "z"}

    @app.post("/stream/<how>")
    async def stream(request, how):
        source, got = request.stream, []
        if how == "all":
            got = [await source.read()]
        elif how == "exactly":
            for n in (1, 10, 500, 100):
                got.append(await source.readexactly(n))
        elif how != "none":
            while not got or got[-1]:
                got.append(await (source.read(7) if how == "pieces" else source.readline()))
        if how == "pieces":  # sizes depend on packets
            got = [b"".join(got)]
        return [hexadecimal(piece) for piece in got]

    return app


def exchange(app, pieces):
    """The stream after an exchange whose request comes in ``pieces``."""
    stream = Stream(pieces)
    asyncio.run(app.handle_request(stream, stream))
    return stream


def streamed(how):
    """A request whose body is too long to be read by Microdot."""
    return b"POST /stream/%s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (how.encode(), len(STREAMED)) + STREAMED


def of_length(length, headers=b""):
    """A request with a head of that many bytes."""
    head = b"GET /echo HTTP/1.1\r\nHost: board\r\n" + headers + b"X-Pad: "
    return head + b"x" * (length - len(head) - 4) + b"\r\n\r\n"


def with_line(length):
    """A request with a header line of that many bytes, its end included."""
    return b"GET /echo HTTP/1.1\r\nX: " + b"x" * (length - 5) + b"\r\nY: y\r\n\r\n"


def main():
    """Print what both answer to each request in one piece and in pieces of several sizes, where they differ."""
    from http_server import Server

    plain, server = with_routes(Microdot()), with_routes(Server())
    Request.max_body_length = 500
    requests = list(ODD) + [streamed(how) for how in READS]
    requests += [of_length(n) for n in range(505, 520)] + [with_line(LONGEST_LINE + n) for n in (-1, 0, 1, 512)]
    count = 0
    for request in requests:
        for size in (1, 7, 64, 511, 512, 513, 100000):
            pieces = [request[i : i + size] for i in range(0, len(request), size)]
            answers = [b"".join(exchange(app, pieces).sent) for app in (plain, server)]
            count += 1
            if answers[0] != answers[1]:
                print(json.dumps([repr(request[:100]), size] + [repr(answer[:300]) for answer in answers]))
    print(json.dumps(count))


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    main()
