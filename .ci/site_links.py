"""What mkdocs does to the pages: links to files outside of docs/ lead to the repository, which holds them."""

from __future__ import annotations

import re
from typing import Any

FILES = "https://github.com/camrig/camrig/blob/main/"
_OUTSIDE = re.compile(r"\]\(\.\./")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with addresses for relative links that lead out of its folder."""
    return _OUTSIDE.sub(f"]({FILES}", markdown)
