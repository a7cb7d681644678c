PAGE = "https://panel.example"


def answer(method, path):
    """The whole response to a request."""
    headers = f"Access-Control-Allow-Origin: {PAGE}\r\nVary: Origin\r\nConnection: close\r\n"
    if method == "OPTIONS":
        return f"HTTP/1.1 204 No Content\r\n{headers}Access-Control-Allow-Methods: GET\r\n\r\n".encode()
    status, body = ("200 OK", '{"lamp": "on"}') if path == "/lamp" else ("404 Not Found", "{}")
    head = "HTTP/1.1 {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    return (head.format(status, headers, len(body)) + body).encode()
