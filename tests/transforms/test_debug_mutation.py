"""debug_mutation finds arrays that were written into, and names the operation that needs them."""

import numpy as np
import pytest

import xad
from xad.core.tape import Node
from xad.errors import MutationError


def test_checksums_name_the_operation_and_the_line(here):
    c = here.array([1.0, 2.0, 3.0])
    if not xad.backend.adapter_of(c).mutable:
        pytest.skip("arrays of this library never change")
    x = xad.asarray(here.array([1.0, 2.0, 3.0]), requires_grad=True)
    view = c[:] if type(c) is np.ndarray else c
    with xad.debug_mutation():
        y = xad.sum(x * c)  # this line
    view[0] = 5.0
    with pytest.raises(MutationError, match=r"xad\.multiply: .*_mutation\.py:\d+") as caught:
        y.backward()
    assert "make a new array" in str(caught.value)


def test_checksums_of_what_nobody_wrote_into(here, close):
    x = here.array([0.5, 2.0])
    f = lambda x: xad.sum(xad.log(x) * x + xad.cumulative_sum(x))  # noqa: E731
    expected = xad.grad(f)(x)
    with xad.debug_mutation(), xad.debug_nans():
        close(xad.grad(f)(x), here.to_host(expected))
        xad.hessian(f)(x)
        xad.vmap(xad.grad(lambda x: x * x))(x)
        t = xad.asarray(x, requires_grad=True)
        (t * t * t).gradient(t, xad.ones_like(t), create_graph=True)


def test_checksums_are_gone_when_it_is_off():
    original = Node.__init__
    nans, mutation = xad.debug_nans(), xad.debug_mutation()
    nans.__enter__()
    mutation.__enter__()
    nans.__exit__(None, None, None)
    assert Node.__init__ is not original
    mutation.__exit__(None, None, None)
    assert Node.__init__ is original
    with pytest.raises(KeyError), xad.debug_mutation(), xad.debug_mutation():
        raise KeyError
    assert Node.__init__ is original


def test_writes_by_way_of_an_older_view_are_found():
    a = np.asarray([1.0, 2.0, 3.0])
    older = a[:]
    with xad.use_backend("numpy"):
        x = xad.asarray(a, requires_grad=True)

    @xad.debug_mutation()
    def run():
        return xad.sum(x * x)

    y = run()
    older[0] = 5.0
    with pytest.raises(MutationError):
        y.backward()
