"""Sets of numbers as lists of ranges that are sorted and do not overlap: a hole of 10^12 numbers costs one entry."""

import bisect
import itertools
from collections.abc import Callable, Iterable


def gaps(numbers: Iterable[int], last: int) -> list[range]:
    """Returns the numbers from 1 to `last` that are not among `numbers`, which are sorted."""
    found, following = [], 1
    for number in itertools.chain(numbers, [last + 1]):
        if number > following:
            found.append(range(following, number))
        following = max(following, number + 1)
    return found


def merged(ranges: Iterable[range]) -> list[range]:
    """Returns the numbers of ranges in any order, which may overlap."""
    found: list[range] = []
    for it in sorted(ranges, key=lambda it: it.start):
        if found and it.start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, it.stop))
        else:
            found.append(it)
    return found


def common(left: list[range], right: list[range]) -> list[range]:
    """Returns the numbers that are in both."""
    found, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        both = range(max(left[i].start, right[j].start), min(left[i].stop, right[j].stop))
        if both:
            found.append(both)
        if left[i].stop < right[j].stop:
            i += 1
        else:
            j += 1
    return found


def without(left: list[range], right: list[range]) -> list[range]:
    """Returns the numbers of `left` that are not in `right`."""
    starts = [0, *(it.stop for it in right)]
    stops = [*(it.start for it in right), max((it.stop for it in left), default=0)]
    return common(left, [range(start, stop) for start, stop in zip(starts, stops, strict=True) if start < stop])


def holds(ranges: list[range], number: int) -> bool:
    """Returns True if the number is in one of the ranges."""
    at = bisect.bisect_right(ranges, number, key=lambda it: it.start)
    return at > 0 and number in ranges[at - 1]


def counter(ranges: list[range]) -> Callable[[range], int]:
    """Returns a function that counts how many numbers of `ranges` a range holds."""
    starts = [it.start for it in ranges]
    sums = [0, *itertools.accumulate(map(len, ranges))]

    def below(number: int) -> int:
        at = bisect.bisect_left(starts, number)
        return sums[at] - (max(0, ranges[at - 1].stop - number) if at else 0)

    return lambda it: below(it.stop) - below(it.start)
