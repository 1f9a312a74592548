"""More tries than the test suite has time for: ``python scripts/fuzz.py --seconds 1200``."""

from __future__ import annotations

import argparse
import collections
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "pipeline"))

from fuzzing import attempts, watch

_SLOW_SECONDS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=300, help="stop after this long")
    parser.add_argument("--memory", type=int, default=8, help="GiB that a process may map")
    options = parser.parse_args()
    limit = options.memory << 30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    ended: collections.Counter[str] = collections.Counter()
    start = time.perf_counter()
    found = 0
    with tempfile.TemporaryDirectory(prefix="ireelab-fuzz-") as folder:
        for attempt in attempts(options.seed, options.count, watch(Path(folder))):
            ended[attempt.ended.partition(":")[0]] += 1
            found += bool(attempt.left)
            if (
                attempt.left
                or attempt.ended.startswith("Compile")
                or attempt.seconds > _SLOW_SECONDS
            ):
                print(f"{attempt.ended}, {attempt.seconds:.1f} s: {attempt.tried}", *attempt.left,
                      flush=True)  # fmt: skip
            if time.perf_counter() - start > options.seconds:
                break
    print(sum(ended.values()), "attempts:", dict(ended), f"{time.perf_counter() - start:.0f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"left something behind: {found}; memory of this process: {peak} MiB at most")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
