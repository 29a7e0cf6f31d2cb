"""Run the official array API test suite on xad; see `ci/conformance`, which calls this.

Expected failures stand in ci/conformance_xfails/, one to a line:

    array_api_tests/test_fft.py::test_fft  # the reason
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
XFAILS = ROOT / "ci" / "conformance_xfails"
CACHE = ROOT / ".conformance"
REPOSITORY = "https://github.com/data-apis/array-api-tests"
COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"
BACKENDS = ("numpy", "array_api_strict", "torch")
NEEDED = {"ndindex": "ndindex", "pytest_jsonreport": "pytest-json-report"}
COULD_NOT_RUN = 3
TRACKED = ("tracked", "nested")
MODULES = {
    "plain": "xad",
    **dict.fromkeys(TRACKED, "conformance_tracked"),
    "recorded": "conformance_recorded",
}

# torch has these data types, but hardly an operation on them.
TORCH_LACKS = "uint16,uint32,uint64"
# Nothing tracks integers: a few kinds of them leave more of the inputs to floating types.
UNTRACKED = "int8,int16,uint8,uint16,uint32,uint64"


class CouldNotRunError(Exception):
    """There is no suite here, or what it needs is missing."""


def arguments(given: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and what pytest gets."""
    parser = argparse.ArgumentParser(prog="ci/conformance", allow_abbrev=False)
    parser.add_argument("--backend", choices=BACKENDS, default=os.environ.get("XAD_BACKEND"))
    parser.add_argument("--tracked", action="store_true", help="track every floating tensor")
    parser.add_argument("--recorded", action="store_true", help="make each call as a program")
    parser.add_argument("--examples", type=int, default=100, help="inputs for each test")
    parser.add_argument("--random", action="store_true", help="other inputs than last time")
    parser.add_argument("--processes", type=int, default=1, help="processes to share the tests")
    options, rest = parser.parse_known_args(given)
    options.backend = options.backend or "numpy"
    return options, rest


# ---- the suite ----------------------------------------------------------------------------------


def suite() -> Path:
    """The folder of the suite: the one that is named, the cached one, or a fresh clone."""
    named = os.environ.get("ARRAY_API_TESTS", "")
    if named:
        return complete(Path(named).resolve(), "ARRAY_API_TESTS")
    cached = CACHE / f"array-api-tests-{COMMIT[:12]}"
    if not cached.exists():
        clone(cached)
    return complete(cached, "the cache")


def complete(folder: Path, asked_by: str) -> Path:
    """``folder`` if it holds the suite and its submodule."""
    for part in ("array_api_tests", "array-api/src/array_api_stubs"):
        if not (folder / part).is_dir():
            raise CouldNotRunError(
                f"{asked_by} names {folder}, where there is no {part}: expected a checkout of "
                f"{REPOSITORY} with its submodule (git submodule update --init)"
            )
    return folder


def clone(folder: Path) -> None:
    """The suite at the pinned commit, with its submodule, into ``folder``: whole or not at all."""
    CACHE.mkdir(exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=CACHE))
    print(f"== cloning {REPOSITORY} at {COMMIT[:12]}", file=sys.stderr)
    try:
        for step in (
            ("init", "--quiet"),
            ("fetch", "--quiet", "--depth=1", REPOSITORY, COMMIT),
            ("checkout", "--quiet", "FETCH_HEAD"),
            ("submodule", "--quiet", "update", "--init", "--depth=1"),
        ):
            command = ["git", "-C", str(draft), *step]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            if done.returncode:
                raise CouldNotRunError(
                    f"the suite cannot be cloned (git {step[0]}: {done.stderr.strip()}); name a "
                    "checkout of it in ARRAY_API_TESTS"
                )
        draft.rename(folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise CouldNotRunError(f"the suite cannot be cloned ({error})") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


# ---- expected failures --------------------------------------------------------------------------


def expected(path: Path) -> dict[str, str]:
    """The tests that a file of expected failures names, each with its reason."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        test, _, reason = line.partition("  # ")
        if not test.startswith("array_api_tests/") or not reason.strip():
            raise ValueError(f"{path}:{number}: expected `test  # reason`, got {line!r}")
        if test in found:
            raise ValueError(f"{path}:{number}: named twice: {test}")
        found[test.strip()] = reason.strip()
    return found


def expected_for(backend: str, tracked: bool) -> dict[str, str]:
    """What is expected to fail with this library inside."""
    files = [XFAILS / f"{backend}.txt", *([XFAILS / "tracked.txt"] if tracked else [])]
    return {test: reason for file in files for test, reason in expected(file).items()}


# ---- one run ------------------------------------------------------------------------------------


def run(folder: Path, options: argparse.Namespace, rest: list[str], mode: str) -> bool:
    """Run the suite once; whether nothing failed that should not."""
    with tempfile.TemporaryDirectory() as scratch:
        known = expected_for(options.backend, mode in TRACKED)
        xfails = Path(scratch) / "xfails.txt"
        xfails.write_text("\n".join(known) + "\n", "utf-8")
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "pytest", "array_api_tests", "-q", "--tb=short"]
        command += ["-p", "no:cacheprovider", "--disable-deadline"]
        command += [f"--max-examples={options.examples}", f"--xfails-file={xfails}"]
        command += ["--json-report", f"--json-report-file={report}"]
        command += ["--json-report-omit", "collectors", "log", "streams", "keywords", "warnings"]
        command += [] if options.random else ["--hypothesis-derandomize"]
        command += ["-n", str(options.processes)] if options.processes > 1 else []
        command += ["-p", MODULES[mode]] if mode != "plain" else []
        print(f"== {options.backend}, {mode}, {options.examples} examples", flush=True)
        environment = environment_for(options.backend, mode, Path(scratch))
        subprocess.run([*command, *rest], cwd=folder, env=environment, check=False)
        if not report.exists():
            print("pytest made no report: the run broke off")
            return False
        return verdict(json.loads(report.read_text("utf-8")), known)


def environment_for(backend: str, mode: str, scratch: Path) -> dict[str, str]:
    """The variables that tell the suite which module to test, and xad what to have inside."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARRAY_API_TESTS")}
    lacking = TORCH_LACKS if backend == "torch" else ""
    paths = [str(ROOT), str(ROOT / "ci"), environment.get("PYTHONPATH", "")]
    return environment | {
        "ARRAY_API_TESTS_MODULE": MODULES[mode],
        "ARRAY_API_TESTS_SKIP_DTYPES": UNTRACKED if mode in TRACKED else lacking,
        "XAD_BACKEND": backend,
        "XAD_CONFORMANCE_MODE": mode,
        "HYPOTHESIS_STORAGE_DIRECTORY": str(scratch / "hypothesis"),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def verdict(report: dict[str, object], known: dict[str, str]) -> bool:
    """Say how it went."""
    tests: list[dict[str, str]] = report["tests"]  # type: ignore[assignment]
    counts = Counter(test["outcome"] for test in tests)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    passes = sorted(test["nodeid"] for test in tests if test["outcome"] == "xpassed")
    for test in passes:
        print(f"passed, though it is expected to fail: {test}  # {known.get(test, '')}")
    bad = [test["nodeid"] for test in tests if test["outcome"] in ("failed", "error")]
    for test in bad:
        print(f"FAILED {test}")
    return not bad and bool(tests) and report["exitcode"] == 0


def main(given: list[str]) -> int:
    """Run the suite: plainly, or in both tracked modes, or recorded."""
    options, rest = arguments(given)
    try:
        missing = [NEEDED[name] for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise CouldNotRunError(f"the suite needs {', '.join(missing)}: pip install them")
        folder = suite()
    except CouldNotRunError as reason:
        print(f"ci/conformance could not run: {reason}", file=sys.stderr)
        return COULD_NOT_RUN
    modes = [*(TRACKED if options.tracked else ()), *(["recorded"] if options.recorded else ())]
    modes = modes or ["plain"]
    verdicts = [run(folder, options, rest, mode) for mode in modes]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
