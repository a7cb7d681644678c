"""The templates of all pages, with the style sheet and the script inside; every value is escaped."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import jinja2
from markupsafe import Markup

from camrig.report.metrics_table import number

EMBEDDED = {"style": "style.css", "script": "page.js"}


def rendered(template: str, **values: Any) -> str:
    """The page that ``template`` makes of ``values``."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("camrig.report.html", "pages")
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters["number"] = number
    templates.globals |= {
        "version": version("camrig"),
        **{name: Markup(loader.get_source(templates, file)[0]) for name, file in EMBEDDED.items()},
    }
    return templates
