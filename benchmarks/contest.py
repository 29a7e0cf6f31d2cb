"""Hold a contest: check that all contestants compute the same, then time them in turns."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Contestant:
    """One way to do the computation.

    ``run`` does it once; ``wait`` makes sure that its result is there. ``answer`` gives what must
    be equal for all, as NumPy arrays, and is called before any timing. ``clock``, if given, returns
    the figure itself: seconds, or what the case is measured in.
    """

    name: str
    run: Callable[[], Any]
    answer: Callable[[], list[np.ndarray]] | None = None
    wait: Callable[[Any], Any] | None = None
    clock: Callable[[], float] | None = None

    def burst(self, calls: int) -> float:
        """Seconds per call, over a number of calls, or what the clock shows."""
        if self.clock is not None:
            return self.clock()
        run, wait = self.run, self.wait
        start = perf_counter()
        if wait is None:
            for _ in range(calls):
                run()
        else:
            for _ in range(calls):
                wait(run())
        return (perf_counter() - start) / calls


@dataclass(frozen=True)
class Case:
    """One computation, by contestants of which the first is xad's.

    ``operations`` is what a time is divided by: figures are per operation where it is not 1.
    ``unit`` is that of the figures; where it is not one of time, contestants bring clocks that show
    it. ``targets`` says at most which multiple of another's figure xad's should be. ``remarks``
    tell who takes no part, and why.
    """

    title: str
    contestants: list[Contestant]
    operations: int = 1
    unit: str = "microseconds"
    targets: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    tolerance: float = 1e-9
    most_rounds: int = 1000


def hold(workload: str, case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """The result of a contest, ready for JSON."""
    agree(case)
    rounds = min(rounds, case.most_rounds)
    calls = {c.name: max(1, int(seconds / max(c.burst(1), 1e-9))) for c in case.contestants}
    times: dict[str, list[float]] = {c.name: [] for c in case.contestants}
    for i in range(rounds):
        turn = i % len(case.contestants)
        for contestant in case.contestants[turn:] + case.contestants[:turn]:
            gc.collect()  # nobody pays for another's rubbish; everybody pays for their own
            times[contestant.name].append(contestant.burst(calls[contestant.name]))
    ours = times[case.contestants[0].name]
    scale = (1e6 if case.unit == "microseconds" else 1) / case.operations
    return {
        "workload": workload,
        "case": case.title,
        "rounds": rounds,
        "unit": case.unit + (" per operation" if case.operations > 1 else ""),
        "contestants": {
            name: {
                **_quartiles([scale * t for t in taken]),
                "calls_per_round": calls[name],
                "xad_ratio": _quartiles([a / b for a, b in zip(ours, taken, strict=True)]),
            }
            for name, taken in times.items()
        },
        "targets": case.targets,
        "remarks": case.remarks,
    }


def agree(case: Case) -> None:
    """See that all contestants give the same values and gradients; AssertionError if not."""
    expected: list[np.ndarray] = []
    for contestant in case.contestants:
        if contestant.answer is None:
            continue
        found = contestant.answer()
        expected = expected or found
        if len(found) != len(expected):
            raise AssertionError(
                f"{case.title}: {contestant.name}: {len(found)} results, {len(expected)} expected"
            )
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            np.testing.assert_allclose(
                a, b, rtol=case.tolerance, atol=case.tolerance,
                err_msg=f"{case.title}: {contestant.name}: result {i}",
            )  # fmt: skip


def _quartiles(values: list[float]) -> dict[str, float]:
    """Median and quartiles. Ratios are taken within each round, so that drifts cancel."""
    if len(values) < 2:
        return dict.fromkeys(("median", "lower_quartile", "upper_quartile"), values[0])
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "lower_quartile": lower, "upper_quartile": upper}
