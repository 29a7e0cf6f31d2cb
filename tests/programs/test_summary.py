"""Summaries: figures worked out by hand, the table, and what optimising takes away."""

import numpy as np
import pytest

import xad
from xad.ops.declare import primitives
from xad.programs import costs
from xad.programs.summary import _short


def summary(f, *arguments):
    return xad.make_program(f)(*arguments).summary()


def test_a_product_and_a_function_of_it():
    a, b = np.ones((2, 3)), np.ones((3, 4))
    found = summary(lambda a, b: xad.tanh(a @ b) + 1, a, b)
    assert [(row.name, row.count) for row in found.rows] == [("matmul", 1), ("tanh", 1), ("add", 1)]
    product, tanh, add = (row.cost for row in found.rows)
    assert product == (2 * 2 * 3 * 4, 0, 8 * (6 + 12), 8 * 8)
    assert tanh == (0, 8, 64, 64)
    assert add == (8, 0, 64, 64)
    assert (found.flops, found.transcendental) == (48 + 8, 8)
    assert (found.read, found.written) == (144 + 64 + 64, 3 * 64)


def test_memory_with_and_without_freeing():
    def f(x):
        y = xad.sin(x)  # 800 bytes
        z = xad.cos(y)  # 800 more, then y goes
        return xad.exp(z)  # 800 more beside z

    found = summary(f, np.ones(100))
    assert (found.held, found.peak, found.peak_unfreed) == (800, 800 * 3, 800 * 4)


def test_constants_are_held():
    found = summary(lambda x: x + np.ones((50, 2)), np.ones(2))
    assert (found.held, found.peak, found.peak_unfreed) == (816, 1616, 1616)


ONES = np.ones((4, 6), np.float32)
SQUARE = 4.0 * np.eye(3)


@pytest.mark.parametrize(
    ("f", "x", "flops", "transcendental"),
    [
        (xad.sum, ONES, 24, 0),
        (lambda x: xad.max(x, axis=0), ONES, 24, 0),
        (lambda x: xad.var(x, axis=0), ONES, 72, 0),
        (xad.cumulative_sum, ONES[0], 6, 0),
        (lambda x: xad.where(x > 0, x, 0.0), ONES, 48, 0),
        (xad.matrix_transpose, ONES, 0, 0),
        (lambda x: x[1:, ::2], ONES, 0, 0),
        (lambda x: xad.astype(x, xad.float64), ONES, 0, 0),
        (xad.special.softmax, ONES, 96, 24),
        (xad.special.relu, ONES, 24, 0),
        (xad.special.expit, ONES, 0, 24),
        (lambda x: xad.special.affine(x, ONES.T, ONES[:, 0]), ONES, 2 * 4 * 6 * 4 + 16, 0),
        (lambda x: x[0] @ x[0], ONES, 12, 0),
        (lambda x: xad.sort(x), np.ones((3, 8)), 24 * 3, 0),
        (xad.linalg.cholesky, SQUARE, 9, 0),
        (lambda x: xad.linalg.cholesky(xad.stack([x, x])), SQUARE, 18, 0),
        (lambda x: xad.linalg.solve(x, x), SQUARE, 18 + 54, 0),
        (lambda x: xad.linalg.solve(x, x[0]), SQUARE, 18 + 18, 0),
        (xad.linalg.inv, SQUARE, 54, 0),
        (xad.fft.fft, np.ones((2, 8)) + 0j, 5 * 16 * 3, 0),
    ],
)
def test_models(f, x, flops, transcendental):
    found = summary(f, x)
    assert (found.flops, found.transcendental) == (flops, transcendental)


def test_every_name_of_the_model_is_an_operation():
    named = [costs.TRANSCENDENTAL, costs.ALGEBRAIC, costs.MOVING, costs.SOFTMAX]
    names = [*" ".join(named).split(), *costs.PER_MATRIX, *costs.MODELS]
    assert [name for name in names if name not in primitives and name != "vecdot"] == []


def test_every_operation_of_the_database_has_a_cost(here):
    from xad.testing.calls import KINDS, calls
    from xad.testing.database import op_database

    for info in op_database.values():
        if info.data_dependent:
            continue
        for call in list(calls(info, here, KINDS[info.kinds[0]][0]))[:3]:
            found = xad.make_program(call.outputs)(*call.operands).summary()
            assert all(min(row.cost) >= 0 for row in found.rows), call
            assert found.held <= found.peak <= found.peak_unfreed, call


def test_the_table():
    found = summary(lambda x: xad.sum(xad.sin(x) * 2), np.ones(2000))
    assert str(found).splitlines() == [
        "operation  count  flops  transcendental  bytes read  bytes written",
        "---------  -----  -----  --------------  ----------  -------------",
        "sin            1      0             2 k       16 kB          16 kB",
        "multiply       1    2 k               0       16 kB          16 kB",
        "sum            1    2 k               0       16 kB            8 B",
        "---------  -----  -----  --------------  ----------  -------------",
        "total          3    4 k             2 k       48 kB          32 kB",
        "arguments and constants: 16 kB; most memory at once: 48 kB, 48 kB if nothing were freed",
    ]


def test_a_program_without_operations_has_a_table_too():
    assert "total" in str(summary(lambda x: x, np.ones(2)))


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (2.5e15, "2.5e+03 TB")]
)
def test_short_numbers(number, text):
    assert _short(number, "B") == text


def test_a_jitted_function_shows_both_tables(here):
    f = xad.jit(xad.grad(lambda x: xad.sum(xad.sin(x))))
    with pytest.raises(xad.errors.ProgramError, match="recorded at the first call"):
        f.summary()
    f(here.array([1.0, 2.0]))
    before, after = f.summary().split("\n\noptimised\n")
    assert before.startswith("as recorded\noperation")
    assert "sin" in before
    assert "\nsin" not in after
    assert "\ncos" in after
