"""The command line: fixes the number of threads first, then imports anything that uses them."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

WORKLOADS = {
    "overhead": "benchmarks.overhead",
    "mlp": "benchmarks.mlp",
    "compile": "benchmarks.compile_time",
    "elementwise": "benchmarks.elementwise",
    "recurrent": "benchmarks.recurrent",
    "logistic": "benchmarks.logistic",
    "mnist": "benchmarks.mnist",
    "depth": "benchmarks.depth",
    "jacobian": "benchmarks.jacobian",
    "hvp": "benchmarks.hvp",
    "import": "benchmarks.import_time",
    "memory": "benchmarks.memory",
}
THREADS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NPROC", "PJRT_NPROC",
)  # fmt: skip
THREADED = ("elementwise",)
"""Workloads that are run with all cores too."""
RESULTS = Path(__file__).parent / "results"
PAGE = "report"


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time xad against other libraries, in turns, in one process.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="name",
        help=f"{', '.join(WORKLOADS)}; or {PAGE}: no measuring, write the pages of results anew",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=Path, metavar="FILE",
        help="where results go (the page and its chart beside it, as .md and .svg); "
        "default: benchmarks/results/BACKEND-DEVICE.json",
    )  # fmt: skip
    parser.add_argument(
        "--data", type=Path, metavar="DIR",
        help="a folder with the four files of MNIST, packed or not, for the mnist workload; "
        "default: the environment's XAD_MNIST",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contestant")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: see that it runs")
    parser.add_argument("--threads", type=int, default=1, help="threads of every library")
    parser.add_argument(
        "--backend",
        choices=("numpy", "cupy"),
        default=os.environ.get("XAD_BACKEND", "numpy"),
        help="cupy: xad, the code by hand, torch and JAX all run on the GPU",
    )
    options = parser.parse_args(arguments)
    if options.names == [PAGE]:
        return options
    unknown = set(options.names) - set(WORKLOADS)
    if unknown:
        parser.error(f"unknown workload {', '.join(unknown)}; choose from {', '.join(WORKLOADS)}")
    options.names = options.names or list(WORKLOADS)
    if options.quick:
        options.rounds = min(options.rounds, 3)
    return options


def settle_threads(options: argparse.Namespace, arguments: list[str]) -> None:
    """Libraries read these once, when they are loaded: start anew if that is too late."""
    wanted = dict.fromkeys(THREADS, str(options.threads))
    wanted["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads={options.threads}"
        if options.threads == 1
        else ""
    )
    late = "numpy" in sys.modules and any(os.environ.get(k) != v for k, v in wanted.items())
    os.environ.update(wanted)
    os.environ["XAD_BACKEND"] = options.backend
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if options.data is not None:
        os.environ["XAD_MNIST"] = str(options.data)
    if options.backend == "numpy":
        os.environ.pop("XAD_DEVICE", None)  # another library's
        os.environ["JAX_PLATFORMS"] = "cpu"
    if late:
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks", *arguments])


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parse(arguments)
    if options.names == [PAGE]:
        return write_pages([options.json] if options.json else sorted(RESULTS.glob("*.json")))
    settle_threads(options, arguments)
    contest = importlib.import_module("benchmarks.contest")
    report = importlib.import_module("benchmarks.report")
    libraries = importlib.import_module("benchmarks.libraries").Libraries(
        options.backend, options.threads, quick=options.quick
    )
    print("\n".join(libraries.describe()))
    results = []
    for name in options.names:
        for case in importlib.import_module(WORKLOADS[name]).cases(libraries, options.quick):
            result = contest.hold(name, case, options.rounds, 0.002 if options.quick else 0.1)
            print("\n" + report.table(result))
            results.append(result)
        if name in THREADED and options.threads == 1 and not options.quick:
            results += with_all_cores(name, options)
    path = options.json or RESULTS / f"{options.backend}-{libraries.device_slug()}.json"
    report.write(path, report.facts(libraries, options, results))
    print(f"\nwritten: {path}, {path.with_suffix('.md').name}, {path.with_suffix('.svg').name}")
    return 0


def with_all_cores(name: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The same with as many threads for everybody as there are cores, in a process anew."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if not cores or cores == 1 or options.backend != "numpy":
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks", name, "--threads", str(cores)]
        command += ["--rounds", str(options.rounds), "--json", str(path)]
        subprocess.run(command, check=True)
        found: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return [{**result, "case": f"{result['case']}, {cores} threads each"} for result in found]


def write_pages(paths: list[Path]) -> int:
    """The pages and charts of results that were measured before."""
    report = importlib.import_module("benchmarks.report")
    for path in paths:
        report.write_page(path)
        print(f"written: {path.with_suffix('.md')} and {path.with_suffix('.svg').name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
