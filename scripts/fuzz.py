"""More tries than the test suite has time for: ``python scripts/fuzz.py --count 500``."""

from __future__ import annotations

import argparse
import collections
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "pipeline"))

from fuzzing import attempts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=300, help="stop after this long")
    options = parser.parse_args()
    ended: collections.Counter[str] = collections.Counter()
    start = time.perf_counter()
    for attempt in attempts(options.seed, options.count):
        ended[attempt.ended] += 1
        if attempt.ended == "CompilerCrashed":
            print(f"crash: {attempt.tried}", flush=True)
        if time.perf_counter() - start > options.seconds:
            break
    print(dict(ended), f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
