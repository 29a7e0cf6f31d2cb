"""A chain of 100,000 operations on ten numbers: built, walked back and freed.

Every run ends after its graph is gone: freeing is part of the time.
"""

from __future__ import annotations

from benchmarks.contest import Case
from benchmarks.libraries import Libraries
from benchmarks.overhead import SINES, contestants


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    total = 3_000 if quick else 99_999
    remarks = ["JAX takes no part: it would trace and compile the chain operation by operation"]
    entered = contestants(libraries, SINES, total // SINES.operations)
    return [
        Case(
            f"{SINES.title}, {total:,} operations, 10 float64, with freeing",
            entered,
            operations=total,
            targets={"torch": 1.0},
            remarks=remarks,
            most_rounds=7,
        )
    ]
