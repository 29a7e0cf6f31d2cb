"""Make every call over each backend asked for, and write down what came of them.

    ci/thirdparty                              over NumPy and array-api-strict, into docs/
    ci/thirdparty --backend numpy --only scipy.special --out /tmp/special.md

Exits with an error if a call lost or falsified a gradient, or if fewer agree than before.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from thirdparty import report
from thirdparty.judging import Verdict, judge
from thirdparty.registry import LIBRARIES, SAMPLE, all_cases
from xad.testing import place

ROOT = Path(__file__).resolve().parents[2]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", action="append", help="numpy, array_api_strict; may repeat")
    parser.add_argument("--only", default="", help="calls whose name contains this")
    parser.add_argument("--sample", action="store_true", help="the few calls that the tests make")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "thirdparty.md")
    return parser.parse_args()


def main() -> int:
    """Run, print the counts, write both files, return the exit status."""
    options = arguments()
    os.environ["SCIPY_ARRAY_API"] = "1"  # read by the first import of SciPy
    backends = options.backend or ["numpy", "array_api_strict"]
    cases = [c for c in all_cases() if options.only in c.name]
    if options.sample:
        cases = [c for c in cases if c.name in SAMPLE]
    found: dict[str, list[Verdict]] = {}
    for backend in backends:
        here = place(backend)
        found[backend] = [judge(c, here) for c in cases]
        print(f"over {backend}:")
        print(report.summary(found[backend]))
    report.write(options.out, found)
    faults = [
        f"{backend}: {v.name}: {v.kind}: {v.reason}"
        for backend, verdicts in found.items()
        for v in verdicts
        if v.kind in ("detached", "wrong")
    ]
    if not (options.only or options.sample):
        faults += report.too_few(found, LIBRARIES)
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
