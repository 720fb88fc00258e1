"""What the benchmarks share: medians of runs that take turns, so that a busy moment hits all alike; peak memory."""

import time
from collections.abc import Callable
from statistics import median


def medians(candidates: dict[str, Callable[[], object]], rounds: int, *, warm_up: bool = True) -> dict[str, float]:
    """Milliseconds of each candidate: the median of the rounds, in each of which every candidate runs once.

    Args:
        candidates: what to run, by name.
        rounds: how many count.
        warm_up: run one round before, which does not count.
    """
    times = {name: [] for name in candidates}
    for number in range(rounds + warm_up):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            if number >= warm_up:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: median(values) for name, values in times.items()}


def peak_memory() -> float:
    """Megabytes that this process has held at most; not known on Windows."""
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
