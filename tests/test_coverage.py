"""xad.testing.coverage: that it finds what is missing and what is wrong."""

from dataclasses import replace

import numpy as np

import xad
from xad.core.elementwise import Elementwise
from xad.testing import place
from xad.testing.coverage import CHECKS, applies, coverage
from xad.testing.database import op_database

SIN = op_database["sin"]
HERE = place("numpy")


def with_slope(slope):
    """sin, with another slope."""
    primitive = Elementwise("sin", slope)
    return replace(SIN, as_tested=lambda function: primitive.unary, reference=None, kinds="f",
                   differentiable="f")  # fmt: skip


def test_what_is_right_has_no_gaps():
    for name in ("sin", "matmul", "floor", "nonzero", "where"):
        assert coverage(op_database[name], HERE) == {}


def test_wrong_values_are_found():
    found = coverage(replace(SIN, reference=np.cos), HERE)
    assert list(found) == ["forward"]
    assert found["forward"].startswith("wrong: AssertionError: Not equal")


def test_wrong_slopes_are_found_in_both_modes():
    found = coverage(with_slope(lambda xp, x: 2 * xp.cos(x)), HERE)
    assert list(found) == ["vjp", "jvp"]
    assert all("central difference" in why for why in found.values())


def test_a_slope_without_a_slope_of_its_own_is_found():
    frozen = with_slope(lambda x: np.cos(np.asarray(xad.testing.to_host(x))))
    assert list(coverage(frozen, HERE)) == ["second order"]


def test_a_wrong_batch_is_found():
    def doubled(x):
        return xad.sin(x) * (2 if type(x).__name__ == "Batch" else 1)

    found = coverage(replace(SIN, as_tested=lambda f: doubled, reference=None), HERE)
    assert list(found) == ["batch"]


def test_what_a_library_lacks_is_missing_and_not_wrong(strict_device):
    found = coverage(op_database["special.erf"], strict_device)
    assert list(found) == list(CHECKS)
    assert found["vjp"] == "missing: array_api_strict has no function 'special.erf'"


def test_which_checks_apply():
    assert [name for name in CHECKS if applies(name, op_database["floor"])] == ["forward", "batch"]
    assert [name for name in CHECKS if applies(name, op_database["nonzero"])] == ["forward"]
