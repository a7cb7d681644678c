"""A request that a script of a page makes with ``fetch()``, and what the script gets."""

from __future__ import annotations

from dataclasses import dataclass

from camrig.deadline import Deadline
from camrig.probe.browser.page import Page
from camrig.probe.fetch_cors import Headers

_SCRIPT = """async (url, init) => {
  let request;
  try { request = new Request(url, init); } catch (error) { return {thrown: String(error)}; }
  let response;
  try { response = await fetch(request); } catch (error) { return {refused: String(error)}; }
  const seen = {status: response.status, url: response.url, headers: [...response.headers]};
  try { seen.size = (await response.arrayBuffer()).byteLength; } catch (error) { seen.cut = String(error); }
  return seen;
}"""


@dataclass(frozen=True)
class PageFetch:
    """``thrown``: the script got an exception before anything was sent. ``headers``: those that it may read.

    ``refused`` is the exception of the promise, in which no browser says why: ``Page.decision`` does.
    """

    thrown: str = ""
    refused: str = ""
    status: int = 0
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    size: int = 0

    @property
    def allowed(self) -> bool:
        return not self.thrown and not self.refused

    @property
    def exposed(self) -> tuple[str, ...]:
        """The names of the headers, in lower case and sorted."""
        return tuple(sorted({name for name, _ in self.headers}))


def fetch(
    page: Page,
    url: str,
    deadline: Deadline,
    *,
    method: str = "GET",
    headers: Headers = (),
    credentials: str = "same-origin",
    cache: str = "default",
) -> PageFetch:
    """Let a script of ``page`` call ``fetch()``. Raises PageError as ``Page.evaluate`` does.

    ``cache="no-store"`` passes by the cache of preflights too.
    """
    init = {"method": method, "headers": [list(header) for header in headers], "credentials": credentials}
    seen = page.evaluate_function(_SCRIPT, url, {**init, "cache": cache}, deadline=deadline)
    return PageFetch(
        seen.get("thrown", ""),
        seen.get("refused", ""),
        seen.get("status", 0),
        seen.get("url", ""),
        tuple((name, value) for name, value in seen.get("headers", ())),
        seen.get("size", 0),
    )
