"""One HTTP exchange with a Microdot application over two fake streams, on CPython and on MicroPython alike."""

import asyncio


class Reader:
    def __init__(self, data):
        self.lines = data.split(b"\n")
        self.next = 0

    async def readline(self):
        if self.next == len(self.lines):
            return b""
        line = self.lines[self.next]
        self.next += 1
        return line + b"\n" if self.next < len(self.lines) else line

    async def readexactly(self, n):
        return b"x" * n


class Writer:
    def __init__(self):
        self.sent = b""

    def get_extra_info(self, name):
        return ("127.0.0.1", 1234)

    async def awrite(self, data):
        await asyncio.sleep(0)  # as on a slow network, others have their turn meanwhile
        self.sent += data

    async def aclose(self):
        pass


class Answer:
    """A parsed response: ``headers`` is a list of (name, value), in order and with duplicates."""

    def __init__(self, data):
        head, self.body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.line = lines[0]
        self.status = int(lines[0].split(" ")[1])
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def cors(self):
        """The CORS headers by what follows their common prefix, and Vary; a list where a name repeats."""
        headers = {}
        for key, value in self.headers:
            key = key.lower()
            if key.startswith("access-control-") or key == "vary":
                key = key[15:] or "vary"
                headers[key] = value if key not in headers else [headers[key], value]
        return headers


async def exchange(app, data):
    writer = Writer()
    await app.handle_request(Reader(data), writer)
    return Answer(writer.sent)


def request_bytes(method="GET", path="/", headers=()):
    data = method + " " + path + " HTTP/1.1\r\nHost: board\r\n"
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        data += name + ": " + value + "\r\n"
    return data.encode() + b"\r\n"


def send_at_once(app, requests):
    """The answers to several requests (method, path, headers) that are under way together."""

    async def all_of_them():
        return await asyncio.gather(*[exchange(app, request_bytes(*request)) for request in requests])

    return asyncio.run(all_of_them())


def send(app, method="GET", path="/", headers=()):
    return asyncio.run(exchange(app, request_bytes(method, path, headers)))
