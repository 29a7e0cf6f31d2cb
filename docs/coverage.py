"""Write coverage.md: which function works where, from what the op database finds.

    python docs/coverage.py --run numpy torch     try every function there, into coverage.json
    python docs/coverage.py --run cupy:cuda:1     on a device of its own
    python docs/coverage.py                       write the page from coverage.json

Nothing on the page is written by hand. Each library is tried in a process of its own, since its
data types and its scheduler are chosen once for a process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import xad
from xad.backend import adapter_named
from xad.testing import place
from xad.testing.coverage import CHECKS, applies, coverage
from xad.testing.database import function_of, op_database

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "coverage.json"
PAGE = HERE / "coverage.md"
BACKENDS = ("numpy", "cupy", "torch", "jax", "dask", "array_api_strict")
# One sample of each kind of number where each costs seconds: JAX compiles, Dask makes graphs.
SLOW = ("jax", "dask")
NOT_MEASURED = {"cupy": "not measured"}
# Read when JAX and Dask are imported, which xad does at their first use. JAX compiles thousands of
# small programs for this, and keeps them.
SETTINGS = {
    "DASK_SCHEDULER": "synchronous",
    "JAX_COMPILATION_CACHE_DIR": str(Path(tempfile.gettempdir(), "xad-coverage-jax")),
    "JAX_ENABLE_X64": "1",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}

HEAD = """# Coverage

What works where, found out by trying: `docs/coverage.py` calls every function of the op database
(`xad.testing.database`) in each library and compares its values with NumPy's or SciPy's, its
derivatives with central differences, and `vmap` with a loop. The tests try much more; this page is
the short answer.

- **standard**: whether the function is in the array API standard, or beyond it.
- **vjp**, **jvp**, **second order**, **batch**: whether `xad.grad`, `xad.jvp`, derivatives of
  derivatives and `xad.vmap` are right, over NumPy. "–": constant almost everywhere, or a shape that
  depends on values.
- A library's column: "yes" if all of that is right there, "partly" if something is missing, "no" if
  the function itself is. [What is missing](#what-is-missing) says what. A function that a library
  does not have raises `BackendError`, which names it.
"""


# ---- trying -------------------------------------------------------------------------------------


def results() -> dict:
    """What the last runs found, by library."""
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}


def run(target: str) -> None:
    """Try every function in one library, and write down what is missing or wrong."""
    name, _, device = target.partition(":")
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    with xad.use_backend(name, device or None):
        here = place(name, device or None)
        start = time.perf_counter()
        samples = 1 if name in SLOW else 2
        found = {op: coverage(info, here, samples) for op, info in op_database.items()}
    seconds = time.perf_counter() - start
    entry = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "device": here.adapter.device_name(here.device),
        "operations": found,
        "precision": here.precision,
        "version": adapter_named(name).probe().version,
    }
    # Read only now: another library's run may have ended meanwhile.
    everything = {**results(), name: entry}
    RESULTS.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n", "utf-8")
    whole = sum(not gaps for gaps in found.values())
    print(f"{target}: {whole} of {len(found)} functions in full, {seconds:.0f} s")


# ---- the page -----------------------------------------------------------------------------------


def cell_of_check(gaps: dict | None, check: str, info) -> str:
    """Whether a check is passed over NumPy."""
    if gaps is None:
        return "not run"
    if not applies(check, info):
        return "–"
    return "no" if check in gaps else "yes"


def cell_of_library(name: str, gaps: dict | None) -> str:
    """Whether a function works in a library."""
    if gaps is None:
        return NOT_MEASURED.get(name, "not run")
    return "no" if "forward" in gaps else "partly" if gaps else "yes"


def row(op: str, runs: dict) -> str:
    """A function's row."""
    info = op_database[op]
    found = {name: runs.get(name, {}).get("operations", {}).get(op) for name in BACKENDS}
    standard = "Array API standard" in (function_of(info).__doc__ or "")
    checks = [cell_of_check(found["numpy"], name, info) for name in CHECKS if name != "forward"]
    libraries = [cell_of_library(name, found[name]) for name in BACKENDS]
    cells = [f"`{op}`", "yes" if standard else "beyond", *checks, *libraries]
    return f"| {' | '.join(cells)} |"


def table(ops: list[str], runs: dict) -> list[str]:
    """The table of some functions."""
    names = ["function", "standard", *[c for c in CHECKS if c != "forward"], *BACKENDS]
    return [
        f"| {' | '.join(names)} |",
        f"| {' | '.join('---' for _ in names)} |",
        *[row(op, runs) for op in ops],
        "",
    ]


def summary(runs: dict) -> list[str]:
    """Which versions were tried, when, and how much works."""
    lines = ["| library | version | device | precision | tried on | in full | partly | no |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in BACKENDS:
        entry = runs.get(name)
        if entry is None:
            lines.append(f"| {name} | {NOT_MEASURED.get(name, 'not run')} | | | | | | |")
            continue
        cells = [cell_of_library(name, entry["operations"].get(op)) for op in op_database]
        counts = [str(cells.count(word)) for word in ("yes", "partly", "no")]
        about = [entry[key] for key in ("version", "device", "precision", "date")]
        lines.append(f"| {' | '.join([name, *about, *counts])} |")
    return [*lines, ""]


def reasons(name: str, runs: dict) -> dict[str, list[str]]:
    """Why something is missing in a library, and in which functions."""
    found: dict[str, list[str]] = {}
    for op, gaps in runs.get(name, {}).get("operations", {}).items():
        if op not in op_database:
            continue
        for check, reason in gaps.items():
            part = "" if "forward" in gaps else f" ({check})"
            why = reason.removesuffix(f"function '{op}'")
            why = f"{why}such function" if why != reason else why
            said = found.setdefault(why.replace("|", "\\|"), [])
            if (entry := f"`{op}`{part}") not in said:
                said.append(entry)
    return found


def missing(runs: dict) -> list[str]:
    """What is not there, by library and reason."""
    lines = ["## What is missing\n"]
    for name in BACKENDS:
        found = reasons(name, runs)
        if found:
            lines += [f"### {name}\n", "| what | functions |", "| --- | --- |"]
            lines += [f"| {why} | {', '.join(ops)} |" for why, ops in sorted(found.items())]
            lines.append("")
    return lines


def page() -> str:
    """The text of coverage.md."""
    runs = results()
    lines = [HEAD, *summary(runs)]
    chapters: dict[str, list[str]] = {}
    for op in sorted(op_database):
        chapters.setdefault(op.rpartition(".")[0], []).append(op)
    for chapter, ops in sorted(chapters.items()):
        lines += [f"## `xad{chapter and '.'}{chapter}`\n", *table(ops, runs)]
    return "\n".join([*lines, *missing(runs)]).rstrip() + "\n"


def main() -> None:
    """Run, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", nargs="+", metavar="LIBRARY", help="with :DEVICE if wanted")
    targets = parser.parse_args().run or []
    if len(targets) == 1:
        run(targets[0])
    for target in targets if len(targets) > 1 else ():
        subprocess.run([sys.executable, __file__, "--run", target], check=True)
    if len(targets) != 1:
        PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
