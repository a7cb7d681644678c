"""What the rig's probe adds to a latency, on loopback: ``python benchmarks/probe_overhead.py``.

Prints the median of the probe over that of a bare socket loop that does the same exchanges in turn, and exits 1 if
the ratio is above the limit. Only the ratio counts, not the times.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median

from camrig.probe.overhead import measure_overhead

LIMIT = 1.15


def main() -> int:
    parser = argparse.ArgumentParser(description="the probe beside a bare socket loop, on loopback")
    parser.add_argument("--rounds", type=int, default=2000)
    overhead = measure_overhead(parser.parse_args().rounds)
    print(f"bare socket loop  {median(overhead.bare):7.4f} ms")
    print(f"probe             {median(overhead.probe):7.4f} ms")
    print(f"ratio             {overhead.ratio:7.3f}     (limit {LIMIT}, {len(overhead.probe)} rounds)")
    return 0 if overhead.ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
