"""How long each library takes to import in a fresh process that has NumPy already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries

SCRIPT = """
import numpy, sys, time
start = time.perf_counter()
import {name}
print(time.perf_counter() - start)
"""


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    found = {"xad": "xad"}
    for name in () if quick else ("autograd", "torch", "jax", "mygrad"):
        if getattr(libraries, name):
            found[name] = "autograd.numpy" if name == "autograd" else name
    return [
        Case(
            "import, beyond import numpy, in a fresh process",
            [_contestant(name, module) for name, module in found.items()],
            remarks=["For information: no target"],
            most_rounds=5,
        )
    ]


# As installed packages are: with their bytecode, which the first round leaves behind.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def _contestant(name: str, module: str) -> Contestant:
    def clock() -> float:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(name=module)],
            cwd=Path(__file__).parent.parent, env=ENVIRONMENT,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return float(done.stdout)

    return Contestant(name, clock, clock=clock)
