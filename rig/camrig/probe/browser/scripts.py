"""What a page does, as the text of a script whose result is plain data: fetch, show a picture, read a stream.

Each is an expression with a promise. It resolves to an object: ``error`` and its name where the page was refused, and
otherwise what the page could see. After ``seconds`` the error is ``TIMEOUT``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TIMEOUT = "TimeoutError"
BODY_SHOWN = 200  # characters of a body that a page hands back

_FETCH = """(async () => {
  try {
    const response = await fetch(%(url)s, {...%(options)s, signal: AbortSignal.timeout(%(ms)d)});
    const body = await response.text();
    return {status: response.status, type: response.type, url: response.url, redirected: response.redirected,
            headers: [...response.headers], length: body.length, body: body.slice(0, %(shown)s)};
  } catch (error) {
    return {error: error.name, text: String(error.message)};
  }
})()"""

_IMAGE = """new Promise(resolve => {
  const image = new Image();
  const mode = %(mode)s;
  setTimeout(() => resolve({error: "TimeoutError"}), %(ms)d);
  if (mode !== null) image.crossOrigin = mode;
  image.onerror = () => resolve({error: "error", text: "the picture does not load"});
  image.onload = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const seen = {width: canvas.width, height: canvas.height, tainted: false, bytes: 0};
    try {
      seen.bytes = context.getImageData(0, 0, canvas.width, canvas.height).data.length;
    } catch (error) {
      seen.tainted = error.name === "SecurityError";
    }
    resolve(seen);
  };
  image.src = %(url)s;
})"""

_STREAM = """(async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new DOMException("too late", "TimeoutError")), %(ms)d);
  try {
    const response = await fetch(%(url)s, {...%(options)s, signal: stop.signal});
    const reader = response.body.getReader();
    let [text, length] = ["", 0];
    while (length < %(bytes)s) {
      const {done, value} = await reader.read();
      if (done) break;
      length += value.length;
      if (text.length < %(shown)s) text += new TextDecoder("latin1").decode(value);
    }
    const seen = {status: response.status, type: response.type, headers: [...response.headers], length,
                  body: text.slice(0, %(shown)s)};
    stop.abort();
    return seen;
  } catch (error) {
    return {error: error.name, text: String(error.message)};
  }
})()"""

_EVENTS = """new Promise(resolve => {
  const source = new EventSource(%(url)s, {withCredentials: %(credentials)s});
  const end = seen => { source.close(); resolve(seen); };
  source.onmessage = event => end({type: "cors", body: event.data});
  setTimeout(() => end({error: "TimeoutError"}), %(ms)d);
  source.onerror = () => end({error: "error", text: "the event source fails"});
})"""


@dataclass(frozen=True)
class Script:
    """What a page does with a URL that is known when it is to be done, and in how many seconds."""

    text: str
    words: Mapping[str, Any]

    def __call__(self, url: str, seconds: float) -> str:
        values = {**self.words, "url": url}
        shown = {name: json.dumps(value) for name, value in values.items()}
        return self.text % {**shown, "ms": int(seconds * 1000), "shown": BODY_SHOWN}


def fetch(
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    credentials: str = "same-origin",
    body: str | None = None,
) -> Script:
    """``fetch()``, and all of the response."""
    options: dict[str, Any] = {"method": method, "credentials": credentials}
    if headers:
        options["headers"] = [list(header) for header in headers]
    if body is not None:
        options["body"] = body
    return Script(_FETCH, {"options": options})


def stream(bytes_needed: int, credentials: str = "same-origin") -> Script:
    """``fetch()``, and the beginning of a response that may never end, which is then dropped."""
    return Script(_STREAM, {"options": {"credentials": credentials}, "bytes": bytes_needed})


def image(mode: str | None = None) -> Script:
    """``<img crossorigin=MODE>`` drawn to a canvas and read back; mode None: without that attribute."""
    return Script(_IMAGE, {"mode": mode})


def events(with_credentials: bool = False) -> Script:
    """An EventSource until its first message."""
    return Script(_EVENTS, {"credentials": with_credentials})
