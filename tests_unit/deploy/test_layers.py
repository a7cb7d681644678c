"""No file of one layer takes the place of another's: every spelling of a name in every pair of layers is refused."""

from __future__ import annotations

from itertools import product
from pathlib import Path, PurePosixPath

import pytest
from camrig.deploy.layers import AGENT, APPLICATION, LIBRARY, MICRODOT, is_module, merge, stem
from camrig.errors import SettingsError
from hypothesis import given
from hypothesis import strategies as st

LAYERS = (MICRODOT, LIBRARY, APPLICATION, AGENT)
KINDS = (".py", ".mpy", "/__init__.py", "/__init__.mpy")
SPELLINGS = ("microdot/cors", "Microdot/cors", "microdot/CORS", "MicroDot/Cors")
CORS = "/lib/microdot/cors.py"


def spellings() -> list[str]:
    """Every target that an import of microdot.cors may find in place of the library's own."""
    modules = [f"{root}{name}{kind}" for root, name, kind in product(("/", "/lib/"), SPELLINGS, KINDS)]
    packages = [f"{root}microdot{suffix}" for root, suffix in product(("/", "/lib/"), (".py", ".mpy"))]
    return [*modules, *packages, "/microdot/unrelated.py", "/Microdot/unrelated.mpy", "/microdot/a/b.py"]


def host(layer: str, target: str) -> Path:
    return Path(layer.replace(" ", "-").replace("'", "")) / target[1:]


def layers(*files: tuple[str, str]) -> dict[str, dict[str, Path]]:
    """Layers with ``files``, each a layer and a target."""
    return {layer: {t: host(owner, t) for owner, t in files if owner == layer} for layer in LAYERS}


@pytest.mark.parametrize(("first", "second"), list(product(LAYERS, LAYERS)), ids=str)
def test_no_other_spelling_of_the_library_is_deployed_beside_it(first, second):
    for target in spellings():
        if first == second and target == CORS:
            continue  # one file
        contents = layers((first, CORS), (second, target))
        pair = {first, second}
        if pair == {MICRODOT, LIBRARY} and target in (CORS, "/lib/microdot/cors.mpy"):
            library = contents[LIBRARY]
            assert merge(contents) == library  # what the library is for
            continue
        with pytest.raises(SettingsError) as refused:
            merge(contents)
        assert str(host(first, CORS)) in refused.value.what, target
        assert str(host(second, target)) in refused.value.what, target
        assert all(layer in refused.value.what for layer in pair), target


@pytest.mark.parametrize(
    "target", ["/lib/microdot/sse.py", "/lib/cors.py", "/cors.py", "/main.py", "/web/microdot.py"]
)
def test_other_names_are_deployed_beside_the_library(target):
    contents = layers((MICRODOT, "/lib/microdot/__init__.py"), (LIBRARY, CORS), (APPLICATION, target))
    assert set(merge(contents)) == {"/lib/microdot/__init__.py", CORS, target}


@pytest.mark.parametrize(
    ("data", "module"),
    [
        ("/microdot/logo.png", "/lib/microdot/part.py"),
        ("/web/index.html", "/web.py"),
        ("/web/index.html", "/lib/web.mpy"),
        ("/Web/index.html", "/web.py"),
        ("/MAIN.PY", "/main.py"),
    ],
)
def test_data_that_would_be_found_in_place_of_a_module_is_refused(data, module):
    with pytest.raises(SettingsError) as refused:
        merge(layers((APPLICATION, data), (LIBRARY, module)))
    assert str(host(APPLICATION, data)) in refused.value.what
    assert str(host(LIBRARY, module)) in refused.value.what


@pytest.mark.parametrize("names", [
    ("/www/style.css", "/www/style.js"), ("/config.json", "/config.py"), ("/www/a.html", "/lib/www/a.html"),
    ("/lib/microdot/cors.json", CORS), ("/lib/web/a.html", "/web.py"), ("/web", "/web.py"),
])  # fmt: skip
def test_data_and_modules_that_nobody_mistakes_are_deployed_together(names):
    assert set(merge(layers(*((APPLICATION, name) for name in names)))) == set(names)


def test_a_file_of_the_same_content_is_refused_all_the_same(tmp_path):
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("CORS = 1\n")
    with pytest.raises(SettingsError, match=r"a\.py of the library and .*b\.py of the application are both"):
        merge({LIBRARY: {CORS: tmp_path / "a.py"}, APPLICATION: {CORS: tmp_path / "b.py"}})


def test_the_clash_with_the_library_is_the_one_reported():
    microdot = [(MICRODOT, f"/lib/microdot/{name}.py") for name in ("__init__", "microdot", "cors")]
    copies = [(APPLICATION, target) for _, target in microdot]
    with pytest.raises(SettingsError) as refused:
        merge(layers(*microdot, (LIBRARY, CORS), *copies))
    assert str(refused.value) == (
        f"{host(LIBRARY, CORS)} of the library and {host(APPLICATION, CORS)} of the application are both "
        f"microdot.cors on the board. Remove {host(APPLICATION, CORS)}, or rename it: each module may come from one "
        "place only."
    )


def imported(files: set[str], name: tuple[str, ...]) -> str | None:
    """The file that MicroPython imports under ``name`` (py/builtinimport.c): ``/`` before ``/lib``, a folder before
    ``.py`` before ``.mpy``."""

    def find(path: str) -> str | None:
        if any(file.startswith(path + "/") for file in files):
            return path
        return next((path + suffix for suffix in (".py", ".mpy") if path + suffix in files), None)

    place = find("/" + name[0]) or find("/lib/" + name[0])
    for part in name[1:]:
        if place is None or place in files:
            return None
        place = find(f"{place}/{part}")
    if place is None or place in files:
        return place
    return find(f"{place}/__init__")


def module_name(target: str) -> tuple[str, ...]:
    parts = PurePosixPath(target).with_suffix("").parts[1:]
    parts = parts[1:] if parts[0] == "lib" else parts
    return parts[:-1] if parts[-1] == "__init__" else parts


PARTS = st.sampled_from(["a", "A", "b"])
TARGETS = st.builds(
    lambda root, parts, init, suffix: root + "/".join([*parts, "__init__"] if init else parts) + suffix,
    st.sampled_from(["/", "/lib/"]),
    st.lists(PARTS, min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from([".py", ".mpy", ".html"]),
)


@given(st.lists(st.tuples(st.sampled_from(LAYERS), TARGETS), max_size=5, unique=True))
def test_refused_is_exactly_what_an_import_would_not_find(files):
    """On a filesystem that ignores case, as FAT does, and paths that differ only in case are refused on every one.

    The library's modules replace the pinned package's.
    """
    replaced = {stem(target) for layer, target in files if layer == LIBRARY and is_module(target)}
    deployed = [target for layer, target in files if not (layer == MICRODOT and stem(target) in replaced)]
    on_board = {target.lower() for target in deployed}
    hidden = [
        target for target in on_board if is_module(target) and imported(on_board, module_name(target)) != target
    ]
    paths = {str(path) for target in deployed for path in (PurePosixPath(target), *PurePosixPath(target).parents)}
    if hidden or len(on_board) < len(deployed) or len({path.lower() for path in paths}) < len(paths):
        with pytest.raises(SettingsError):
            merge(layers(*files))
    else:
        assert set(merge(layers(*files))) == set(deployed)
