"""debug_nans stops at the first NaN or infinity and names the line that made it."""

import inspect
import threading

import numpy as np
import pytest

import xad
from xad.core.tape import Node
from xad.errors import NonFiniteError
from xad.ops.declare import primitives


def here_is():
    """The file, and the line after the caller's, as errors show it."""
    frame = inspect.currentframe().f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno + 1}"


def test_a_forward_operation_is_named_with_its_line(here):
    x = here.array([1.0, -1.0])
    where = []

    def f():
        where.append(here_is())
        return xad.sum(xad.log(x) * 2.0)

    with xad.debug_nans(), pytest.raises(NonFiniteError) as caught:
        f()
    assert "xad.log: made a NaN" in str(caught.value)
    assert where[0] in str(caught.value)


def test_an_infinity_counts_unless_it_is_not_asked_for(here):
    x = here.array([0.0, 1.0])
    with xad.debug_nans(), pytest.raises(NonFiniteError, match="log: made an infinity"):
        xad.log(x)
    with xad.debug_nans(infinities=False), np.errstate(all="ignore"):
        xad.log(x)


def test_a_reverse_rule_is_named_with_the_line_of_its_forward_call(here):
    lines = []

    def f(x):
        lines.append(here_is())
        y = xad.sqrt(x)
        return xad.sum(y * 3.0)

    with xad.debug_nans(), pytest.raises(NonFiniteError, match=r"xad\.sqrt: its reverse") as caught:
        xad.grad(f)(here.array([0.0, 4.0]))
    assert lines[0] in str(caught.value)


def test_it_sees_through_nested_transformations(here):
    with xad.debug_nans(), pytest.raises(NonFiniteError, match=r"sqrt, called at .*in its reverse"):
        xad.vmap(xad.grad(xad.sqrt))(here.array([0.0, 1.0]))
    with xad.debug_nans(), pytest.raises(NonFiniteError):
        xad.hessian(lambda x: xad.sum(x**1.5))(here.array([0.0, 1.0]))


def test_what_was_not_finite_before_blames_nobody(here):
    x = here.array([float("inf"), float("nan")])
    with xad.debug_nans():
        xad.sum(x * 2.0)
        xad.exp(here.array([-1.0]))


def test_results_are_the_same_and_nothing_stays_behind(here, close):
    before = (Node.__init__, {name: vars(p).copy() for name, p in primitives.items()})
    x = here.array([0.5, 2.0])
    with xad.debug_nans(), xad.debug_nans():
        close(xad.grad(lambda x: xad.sum(xad.log(x) * x))(x), np.log([0.5, 2.0]) + 1.0)
    with pytest.raises(NonFiniteError), xad.debug_nans():
        xad.log(here.array([-1.0]))
    assert Node.__init__ is before[0]
    for name, primitive in primitives.items():
        kept = vars(primitive)
        assert kept.keys() == before[1][name].keys()
        assert kept["_make_kernel"] is before[1][name]["_make_kernel"]


def test_as_a_decorator_and_for_all_threads(here):
    caught = []

    @xad.debug_nans()
    def run():
        def work():
            try:
                xad.log(here.array([-1.0]))
            except NonFiniteError as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    run()
    assert len(caught) == 1
