"""Words that the captions of several explorers share."""

from collections.abc import Iterable


def milliseconds(seconds: float) -> str:
    """Write a short time: three digits are enough, and none after the point from 0.1 s on."""
    return f"{1000 * seconds:.3g} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"


def listed(items: Iterable) -> str:
    """Write at least one item as "1, 2 and 3"."""
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last
