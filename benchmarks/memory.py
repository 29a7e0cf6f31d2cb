"""Memory: how far one step raises that of a fresh process, and what checkpoints cost in time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries
from benchmarks.memory_step import SEGMENT, chain, network

Sizes = tuple[int, int, int]
"""Layers, width, batch."""

CHECKPOINTS, KEPT = f"xad: checkpoint of each {SEGMENT} layers", "xad: everything kept"
REMARK = "Above what the process has before the step: inputs and parameters do not count"


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    if libraries.on_gpu or find_spec("resource") is None:
        return []  # the memory of the process is not the GPU's; Windows does not tell it
    deep = (16, 64, 2048) if quick else (64, 128, 8192)
    wide = (4, 128, 1024) if quick else (4, 1024, 4096)
    network = f"{deep[0]} residual tanh layers {deep[1]} wide, batch {deep[2]}, float32"
    step = f"{wide[0]} layers {wide[1]} wide, relu, softmax cross-entropy, SGD, float32"
    trained = {"xad": "functional", "xad imperative": "imperative"}
    if libraries.torch and not quick:
        trained["torch"] = "torch"
    return [
        Case(
            f"{network}: most memory of value and gradient",
            [_rise(CHECKPOINTS, "checkpoints", deep), _rise(KEPT, "kept", deep)],
            unit="MiB",
            targets={KEPT: 0.25},
            remarks=[REMARK],
            tolerance=1e-4,
            most_rounds=1 if quick else 5,
        ),
        Case(
            f"{network}: time of value and gradient",
            [_time(CHECKPOINTS, deep, True), _time(KEPT, deep, False)],
            targets={KEPT: 1.5},
            tolerance=1e-4,
            most_rounds=5,
        ),
        Case(
            f"training step, {step}, batch {wide[2]}: most memory",
            [_rise(name, contestant, wide) for name, contestant in trained.items()],
            unit="MiB",
            targets={"torch": 1.0},
            remarks=[REMARK],
            tolerance=1e-4,
            most_rounds=1 if quick else 5,
        ),
    ]


def _rise(name: str, contestant: str, sizes: Sizes) -> Contestant:
    """A step in a process of its own each time; the one that is compared is measured too."""
    command = [sys.executable, "-m", "benchmarks.memory_step", contestant, *map(str, sizes)]
    measured: list[float] = []

    def run() -> dict[str, Any]:
        done = subprocess.run(
            command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def answer() -> list[np.ndarray]:
        found = run()
        measured.append(found["mib"])
        return [np.asarray(found["answer"])]

    def clock() -> float:
        return measured.pop() if measured else float(run()["mib"])

    return Contestant(name, run, answer, clock=clock)


def _time(name: str, sizes: Sizes, checkpoints: bool) -> Contestant:
    step = chain(checkpoints=checkpoints)
    given = network(*sizes)
    run: Callable[[], list[float]] = lambda: step(*given)  # noqa: E731
    return Contestant(name, run, lambda: [np.asarray(run())])
