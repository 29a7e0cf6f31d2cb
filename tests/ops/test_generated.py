"""Generated programs give what eager code gives: every operation, and its gradient."""

import pytest
from test_compositions import EVERY_DERIVATIVE, EVERY_OP, gradient_of, rows_of

import xad
from xad.programs.generate import generate
from xad.programs.numpy import blocks, threads
from xad.programs.optimise import optimise
from xad.testing.calls import DOUBLE, KINDS, assert_same


@pytest.fixture(params=["as it is", "in small blocks", "in small blocks over threads"])
def generated(request, here, monkeypatch):
    """A function as its generated program."""
    if request.param != "as it is":
        if here.adapter.name != "numpy":
            pytest.skip("blocks are NumPy's")
        monkeypatch.setattr(blocks, "LARGE", 1)
        monkeypatch.setattr(blocks, "LEAST", 3)
        monkeypatch.setattr(blocks, "MOST", 3)
    if request.param == "in small blocks over threads":
        monkeypatch.setattr(threads, "MANY", 1)
        monkeypatch.setattr(blocks, "worker_count", lambda: 2)

    def make(f, *operands):
        listing = optimise(xad.make_program(f)(*operands).listing)
        run = generate(listing).run

        def call(*given):
            with here.adapter.around_rules(None):
                return run(list(given))

        return call

    return make


def compare(program, f, row):
    """On two sets of operands; the second call must not write into the results of the first."""
    results = [program(*call.operands) for call in row[:2]]
    for result, call in zip(results, row, strict=False):
        assert_same(result, f(*call.operands), 1e-12, call)


@EVERY_OP
def test_a_generated_program_gives_the_values(info, here, generated):
    for row in rows_of(info, here, KINDS[info.kinds[0]][0]):
        call = row[0]
        program = generated(call.outputs, *call.operands)
        compare(program, call.outputs, row)


@EVERY_DERIVATIVE
def test_a_generated_program_gives_the_gradients(info, here, generated):
    for row in rows_of(info, here, DOUBLE[info.differentiable[0]]):
        call = row[0]
        if not call.moving:
            continue
        gradient = gradient_of(call, here)
        program = generated(gradient, *call.operands)
        compare(program, gradient, row)
