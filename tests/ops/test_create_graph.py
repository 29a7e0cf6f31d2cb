"""Second derivatives with ``create_graph=True`` are those of nested grad, op by op."""

import numpy as np
import pytest
from calls import DOUBLE, calls, random_like

import xad
from xad.errors import BackendError
from xad.testing.database import op_database

CASES = [
    pytest.param(info, kind, id=f"{info.name}-{DOUBLE[kind]}")
    for info in op_database.values()
    if info.second_order
    for kind in info.differentiable
]


@pytest.mark.parametrize(("info", "kind"), CASES)
def test_create_graph(info, kind, here, close):
    random = np.random.default_rng(0)
    for call in calls(info, here, DOUBLE[kind])[:3]:
        f, operands = call.of_moving()
        if not operands or any(0 in tuple(x.shape) for x in operands):
            continue
        try:
            outputs = f(*operands)
        except BackendError as error:
            pytest.skip(str(error))
        weights = [random_like(y, here, random) for y in outputs]

        def loss(*xs, f=f, weights=weights):
            pairs = zip(weights, f(*xs), strict=True)
            terms = [xad.sum(xad.real(xad.asarray(w) * y)) for w, y in pairs]
            return sum(terms[1:], terms[0])

        every = tuple(range(len(operands)))
        directions = [random_like(x, here, random) for x in operands]

        def along(gradients, directions=directions):
            pairs = zip(gradients, directions, strict=True)
            terms = [xad.sum(xad.real(xad.conj(xad.asarray(d)) * g)) for g, d in pairs]
            return sum(terms[1:], terms[0])

        gradient = xad.grad(loss, every)

        def slope_along(*xs, gradient=gradient):
            return along(gradient(*xs))

        expected = xad.grad(slope_along, every)(*operands)
        tracked = [xad.asarray(x, requires_grad=True) for x in operands]
        value = loss(*tracked)
        if not value.requires_grad:
            continue
        product = along(value.gradient(tracked, create_graph=True))
        if not product.requires_grad:
            found = [xad.zeros_like(x) for x in operands]
        else:
            found = product.gradient(tracked)
        for got, wanted in zip(found, expected, strict=True):
            close(got, here.to_host(wanted), 1e-9)
