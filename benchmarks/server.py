"""What the server of device/http_server.py costs beside plain Microdot's: socket calls, bytes allocated, bytes alive.

The genuine interpreter serves requests from memory through asyncio's own streams, so that each count is exact. Ends
with 1 if a browser's preflight takes more than two reads and two sends, or clients at once take more heap than with
plain Microdot and ``ALLOWED`` bytes for each.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.cors_cost import build, compile_to, interpreter, run

ROOT = Path(__file__).resolve().parent.parent
SERVERS = {"plain Microdot": ("microdot", "Microdot"), "http_server": ("http_server", "Server")}
CALLS = 2  # at most, of each kind, for a browser's preflight
ALLOWED = 1024  # bytes for each client: a block that was read, and the object that counts its silence


def measure() -> tuple[dict[str, list], int]:
    """The lines that each server prints, and the size of http_server.mpy in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        build(tree)
        compile_to(ROOT / "device/http_server.py", tree / "http_server.mpy", "http_server.py")
        size = (tree / "http_server.mpy").stat().st_size
        program = interpreter()
        lines = {name: run(program, tree, "on_board.py", *of, folder="http") for name, of in SERVERS.items()}
    return lines, size


def table(title: str, heads: list[str], rows: list[list[str]]) -> Table:
    shown = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for number, head in enumerate(heads):
        shown.add_column(head, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*row)
    return shown


def main() -> int:
    lines, size = measure()
    plain, ours = lines["plain Microdot"], lines["http_server"]
    exchanges = [pair for pair in zip(plain, ours, strict=True) if len(pair[0]) == 5]
    clients = [pair for pair in zip(plain, ours, strict=True) if len(pair[0]) == 3]
    console = Console(width=100)
    heads = ["", "reads", "sends", "bytes", "reads", "sends", "bytes"]
    rows = [[first[0], *(f"{n:,}" for n in (*first[1:4], *second[1:4]))] for first, second in exchanges]
    console.print(table("One exchange: plain Microdot, then http_server", heads, rows))
    heads = ["clients", "that are", *SERVERS]
    rows = [[str(first[0]), first[1], f"{first[2]:,}", f"{second[2]:,}"] for first, second in clients]
    console.print(table("Bytes alive at most, 64 bits", heads, rows))
    print(f"http_server.mpy has {size:,} bytes, and its import keeps {ours[0][1]:,} (64 bits)")
    _, reads, sends, _, status = exchanges[0][1]
    print(f"A browser's preflight: {reads} reads and {sends} sends ({status}); {CALLS} of each are allowed")
    too_many = [row for first, second, row in ((*pair, row) for pair, row in zip(clients, rows, strict=True))
                if second[2] > first[2] + ALLOWED * first[0]]  # fmt: skip
    for row in too_many:
        print(f"more heap than allowed: {', '.join(row)}")
    return int(reads > CALLS or sends > CALLS or bool(too_many))


if __name__ == "__main__":
    sys.exit(main())
