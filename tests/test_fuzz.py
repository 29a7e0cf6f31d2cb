"""ci/fuzz: some programs agree, a wrong rule or pass is found, a missing JAX is said."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A matrix product whose forward derivative is wrong by a millionth where both operands move.
MUTANT = """
import sys
sys.path[:0] = ["ci", "."]
from fuzz_checks import Plan, check
from xad.core.rules import Bilinear

right = Bilinear.pushforward

def wrong(self, operands, out, tangents, params):
    moving = [t for t in tangents if t is not None]
    return right(self, operands, out, tangents, params) * (1 + 1e-6 * (len(moving) == 2))

Bilinear.pushforward = wrong
for number in range(40):
    tally = check(Plan(seed=0, longest=8), number)
    if tally.failures:
        print(tally.failures[0])
        break
"""


# Programs whose optimiser takes a sine for a cosine, or whose results share memory.
WRONG_PASS = """
import sys
sys.path[:0] = ["ci", "."]
from xad.ops.declare import primitives
import xad.programs.optimise as optimise
import fuzz_jit

right = optimise.optimise

def wrong(listing):
    listing = right(listing)
    cosine = primitives["cos"]
    steps = [x._replace(primitive=primitives["sin"]) if x.primitive is cosine else x
             for x in listing.instructions]
    return listing.with_instructions(steps)

fuzz_jit.optimise = wrong
for number in range(20):
    tally = fuzz_jit.check(fuzz_jit.Plan(seed=0, longest=8), number)
    if tally.failures:
        print(tally.failures[0])
        break
"""


DISTANCE = """
import sys
sys.path[:0] = ["ci", "."]
import numpy as np
from fuzz_words import distance
a, b = np.asarray([1.0, 50.0]), np.asarray(2.0)
print(distance([a, b], [a, b]), distance([a, b + 0.5], [a, b]))
nan, inf = np.asarray(np.nan), np.asarray(np.inf)
print(*[distance(x, [a, b]) for x in ([a, nan], [nan * a, b], [a, inf], [a], [a, a])])
"""


@pytest.fixture
def run(require_library, run_without_jax):
    """Run Python in the repository, as the user does on whose machine JAX is."""

    def run(*arguments, **environment):
        require_library("jax")
        return run_without_jax(*arguments, **environment)

    return run


@pytest.fixture
def run_without_jax(require_library):
    """Run Python in the repository."""

    def run(*arguments, **environment):
        require_library("scipy")
        inherited = {name: x for name, x in os.environ.items() if name != "XAD_DEVICE"}
        here = {"XAD_BACKEND": "numpy", "XAD_PYTHON": sys.executable}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**inherited, **here, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_some_programs_agree_with_jax(run):
    done = run("ci/fuzz", "--seed", "0", "--programs", "20", "--longest", "8", "--processes", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fuzz: 20 programs, --seed 0" in done.stdout
    assert "20 of 20 programs agree with JAX, 0 disagree, 0 skipped" in done.stdout
    assert "16 words of two letters 320 times" in done.stdout


def test_a_wrong_rule_is_found_and_shown_as_code(run):
    done = run("-c", MUTANT)
    assert done.returncode == 0, done.stderr
    assert "# seed 0, program" in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("        v")]
    assert 1 <= len(lines) <= 4, done.stdout
    again = run("-c", done.stdout)
    assert again.returncode == 0, again.stderr
    assert "Jax: [" in again.stdout
    assert float(again.stdout.split("they differ by ")[1].split()[0]) < 1e-9  # It is right here.


def test_some_programs_jitted_are_what_they_are_without(run_without_jax):
    done = run_without_jax(
        "ci/fuzz", "--jit", "--seed", "0", "--programs", "4", "--longest", "8", "--processes", "1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 programs agree with xad without jit, 0 disagree, 0 skipped" in done.stdout
    assert "16 words of two letters 64 times" in done.stdout
    compared, same = (
        int(re.search(rf"(\d+) {words}", done.stdout)[1])
        for words in ("values compared", "the same to the bit")
    )
    assert compared > 4 * 100
    assert 0.9 * compared < same <= compared


def test_a_wrong_pass_is_found_and_shown_as_code(run_without_jax):
    done = run_without_jax("-c", WRONG_PASS)
    assert done.returncode == 0, done.stderr
    assert "optimised: they differ by" in done.stdout
    again = run_without_jax("-c", done.stdout)
    assert again.returncode == 0, again.stderr
    assert "replayed: the same to the bit" in again.stdout  # It is right here.
    assert "differ" not in again.stdout


def test_nan_and_another_shape_are_far_from_everything(run):
    done = run("-W", "ignore", "-c", DISTANCE)
    assert done.stdout.split() == ["0.0", "0.01", *["inf"] * 5], done.stderr


@pytest.mark.parametrize("option", ["--programs", "--longest", "--processes"])
def test_nothing_to_compare_is_refused(option, run_without_jax):
    done = run_without_jax("ci/fuzz", "--jit", option, "0")
    assert done.returncode == 2
    assert f"argument {option}: expected a whole number from 1 up, got 0" in done.stderr


def test_no_jax_is_said(tmp_path):
    done = subprocess.run(
        [sys.executable, "ci/fuzz", "--quick"],
        cwd=ROOT,
        env={**os.environ, "XAD_PYTHON": str(tmp_path / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "JAX is not installed" in done.stdout
