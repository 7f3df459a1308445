"""What the machine itself did meanwhile: a virtual one gets less of its processors now than then."""

import pathlib
from dataclasses import dataclass


@dataclass
class Round:
    taken: float  # the part of all processors that the host gave to others meanwhile
    result: object


def ticks():
    """Of all processors so far: those that the host gave to others, and all."""
    numbers = [int(number) for number in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return numbers[7], sum(numbers)


def watched(measure):
    """What `measure` answers, as a Round."""
    before = ticks()
    result = measure()
    taken, all_ticks = (now - then for now, then in zip(ticks(), before))
    return Round(taken / max(all_ticks, 1), result)


def quiet_rounds(count, measure, enough=0.02, most=3):
    """`count` rounds of measuring in which the host took next to nothing. Where there are none of that kind for long,
    those in which it took the least: chosen by that alone, never by what was measured."""
    rounds = []
    while sum(r.taken <= enough for r in rounds) < count and len(rounds) < most * count:
        rounds.append(watched(measure))
    return sorted(rounds, key=lambda r: r.taken)[:count]
