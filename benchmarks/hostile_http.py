"""How the rig's HTTP clients take 300 generated answers of hostile and broken servers.

``python -m benchmarks.hostile_http [--answers N]`` prints a row for each client: how its exchanges ended, and how far
the longest went beyond its deadline. Exits 1 on a traceback, a response that is not whole, a hang, or too much
memory, that of the server included.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from collections import Counter

from tests_unit.probe.hostile_answers import HostileAnswer, HostileServer, draw
from tests_unit.probe.hostile_clients import CLIENTS, by_probe

SECONDS = 0.5  # of an exchange
HANG = 2.0  # seconds beyond the deadline: a busy computer needs some
MEMORY = 200  # MB


def outcome(server: HostileServer, answer: HostileAnswer, client: str) -> str:
    """How one exchange ends, in a word or two; whatever is not expected is printed."""
    server.answer = answer
    try:
        result = CLIENTS[client](server, SECONDS)
    except Exception:
        print(f"{client}, {answer}", file=sys.stderr)
        traceback.print_exc()
        return "tracebacks"
    if isinstance(result, Exception):
        return "errors"
    is_http = client in ("dut.request", "http", "http, stream=True")
    if is_http and result not in answer.acceptable(decoded=CLIENTS[client] is not by_probe):
        print(f"{client}, {answer}: status {result[0]} with {len(result[1])} bytes", file=sys.stderr)
        return "in part"
    return "whole"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--answers", type=int, default=300, metavar="N", help="default: 300")
    total = options.parse_args().answers
    outcomes: dict[str, Counter[str]] = {client: Counter() for client in CLIENTS}
    longest = dict.fromkeys(CLIENTS, 0.0)
    generator = random.Random(0)
    with HostileServer.start() as server:
        for number in range(total):
            client = list(CLIENTS)[number % len(CLIENTS)]
            start = time.monotonic()
            ending = outcome(server, draw(generator), client)
            longest[client] = max(longest[client], time.monotonic() - start - SECONDS)
            outcomes[client][ending] += 1
    form = "{:<20}{:>9}{:>9}{:>9}{:>9}{:>13}{:>17}"
    endings = ("whole", "errors", "in part", "tracebacks")
    print(form.format("client", "answers", *endings, "beyond it, s"))
    for client, counts in outcomes.items():
        beyond = f"{max(0.0, longest[client]):.2f}"
        print(form.format(client, counts.total(), *(counts[ending] for ending in endings), beyond))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    bad = sum(counts["in part"] + counts["tracebacks"] for counts in outcomes.values())
    hangs = sum(seconds > HANG for seconds in longest.values())
    print(f"{total} hostile answers: {bad} tracebacks or parts, {hangs} hangs beyond the deadline, {memory:.0f} MB")
    return 1 if bad or hangs or memory > MEMORY else 0


if __name__ == "__main__":
    sys.exit(main())
