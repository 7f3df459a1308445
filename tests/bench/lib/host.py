"""What the machine itself did meanwhile: a virtual one gets less of its processors now than then."""

import pathlib
import statistics

ENOUGH = 0.02  # so little taken is a quiet round
MOST = 3  # times as many rounds as are asked for


def ticks():
    """Of all processors so far: those that the host gave to others, and all."""
    numbers = [int(number) for number in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return numbers[7], sum(numbers)


def watched(measure):
    """What `measure` answers, and the part of all processors that the host gave to others meanwhile."""
    before = ticks()
    result = measure()
    taken, all_ticks = (now - then for now, then in zip(ticks(), before))
    return result, taken / max(all_ticks, 1)


def quiet_rounds(count, measure):
    """What `measure` answers in `count` rounds in which the host took next to nothing, and how much that was. Where
    there are none of that kind for long, those in which it took the least: chosen by that alone, never by what was
    measured."""
    rounds = []
    while sum(taken <= ENOUGH for _, taken in rounds) < count and len(rounds) < MOST * count:
        rounds.append(watched(measure))
    results, taken = zip(*sorted(rounds, key=lambda r: r[1])[:count])
    return results, statistics.mean(taken)
