"""What `import course_utils` adds to a bare interpreter. Run by hand: python benchmarks/import_time.py"""

import subprocess
import sys
import time
from statistics import median

from course_utils.paths import ROOT

RUNS = 20
AIM_MS = 100


def milliseconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    pairs = [(milliseconds("pass"), milliseconds("import course_utils")) for _ in range(RUNS)]
    bare, with_course = (median(times) for times in zip(*pairs, strict=True))
    print(f"bare interpreter    {bare:6.1f} ms")
    print(f"import course_utils {with_course:6.1f} ms")
    print(f"ratio {with_course / bare:.2f}, difference {with_course - bare:.1f} ms (aim: under {AIM_MS} ms)")
    print(f"medians of {RUNS} alternating runs")


if __name__ == "__main__":
    main()
