"""The classes of operations: what one has to state, and every rule that follows from it."""

import numpy as np
import pytest

import xad
from xad.core.batching import aligned, shifted, spread
from xad.core.boxing import box
from xad.core.elementwise import Elementwise
from xad.core.rules import Bilinear, Constant, General, Linear, LinearJoint
from xad.errors import NotDifferentiableError
from xad.testing import check_grads

A = np.asarray([[0.5, 1.5, -1.0], [2.0, -0.5, 0.25]])
B = np.asarray([[1.25, -2.0], [0.5, 1.0], [-0.75, 0.3]])


def spread_batch(primitive, size, operands, batched, params):
    return primitive.bind(*spread(size, operands, batched), **params)


def check_every_rule(f, *operands):
    """Both modes to order two, a batch, and a recording."""
    check_grads(f, operands, order=2)
    stacks = [np.stack([x, 0.5 * x, -x]) for x in operands]
    singles = [parts(f(*row)) for row in zip(*stacks, strict=True)]
    loop = [np.stack(column) for column in zip(*singles, strict=True)]
    for got, expected in zip(parts(xad.vmap(f)(*stacks)), loop, strict=True):
        np.testing.assert_allclose(got, expected)
    program = xad.make_program(f)(*operands)
    halves = [0.5 * x for x in operands]
    for got, expected in zip(parts(program(*halves)), parts(f(*halves)), strict=True):
        np.testing.assert_allclose(got, expected)


def parts(result):
    results = result if isinstance(result, tuple) else (result,)
    return [xad.testing.to_host(x) for x in results]


# ---- elementwise --------------------------------------------------------------------------------


def test_elementwise_from_slopes():
    cube = Elementwise("cube", lambda x: 3 * x * x, kernel=lambda adapter: lambda x: x * x * x)
    check_every_rule(cube.unary, A)
    check_every_rule(cube.unary, A + 1j * A[::-1])
    minus = Elementwise("subtract", 1, -1)
    check_every_rule(minus.binary, A, A[0])
    by_output = Elementwise("exp", lambda y: y)
    check_every_rule(by_output.unary, A)


def test_elementwise_of_three_operands():
    mix = Elementwise(
        "mix",
        lambda c: c,
        lambda c: 1 - c,
        lambda a, b: a - b,
        kernel=lambda adapter: lambda a, b, c: a * c + b * (1 - c),
    )
    check_every_rule(lambda a, b, c: box(mix.bind(a, b, c)), A, A[0], A[:, :1])


def test_a_slope_may_ask_for_the_namespace_and_for_several_things():
    divide = Elementwise("divide", lambda b: 1 / b, lambda xp, y, b: xp.negative(y) / b)
    check_every_rule(divide.binary, A, A[0] + 3)
    power = Elementwise("pow", lambda y, a, b: b * y / a, lambda xp, y, a: y * xp.log(a))
    check_grads(power.binary, (np.abs(A), A[0]), order=2)


def test_a_python_number_beside_an_array():
    multiply = Elementwise("multiply", lambda b: b, lambda a: a)
    for number in (2, 2.5, True):
        check_grads(lambda x: multiply.binary(x, number), (A,))  # noqa: B023
        check_grads(lambda x: multiply.binary(number, x), (A,))  # noqa: B023
    check_grads(lambda x: multiply.binary(x, 2.0 - 1.0j), (A + 1j,))


def test_only_what_a_slope_names_is_kept():
    def saved(primitive, *operands):
        out = primitive.binary(*operands) if len(operands) == 2 else primitive.unary(*operands)
        return [x for x in np.atleast_1d(np.asarray(out.node.saved, dtype=object)) if x is not None]

    with xad.use_backend("numpy"):
        x = xad.asarray(A, requires_grad=True)
    assert saved(Elementwise("add", 1, 1), x, A) == []
    assert out_of(Elementwise("exp", lambda y: y).unary(x))
    product = Elementwise("multiply", lambda b: b, lambda a: a)
    kept = product.binary(x, 2 * A).node.saved
    assert not any(part is x.value for part in kept)
    both = product.binary(x, x).node.saved
    assert any(part is x.value for part in both)


def out_of(y):
    """Whether the output itself is what was kept, and the operand is not."""
    return any(part is y.value for part in y.node.saved)


# ---- linear and bilinear ------------------------------------------------------------------------


def test_linear_from_its_transpose():
    flip = Linear(
        "flip",
        lambda xp, g, like, axis: xp.flip(g, axis=axis),
        batch=shifted(),
        kernel=lambda adapter: lambda x, axis: adapter.namespace.flip(x, axis=axis),
    )
    check_every_rule(lambda x: box(flip.bind(x, axis=(0,))), A)
    assert flip.keep((None,), (A,), A) == ()


def test_a_transpose_sees_the_operand_without_its_data():
    seen = []

    def transpose(xp, g, like, axis, keepdims):
        seen.append((like.shape, like.dtype))
        assert not hasattr(like, "value")
        return xp.broadcast_to(xp.reshape(g, (1,) * len(like.shape)), like.shape)

    total = Linear("sum", transpose, batch=shifted())
    gradient = xad.grad(lambda x: box(total.bind(x, axis=(0, 1), keepdims=False)))(A)
    assert gradient.tolist() == np.ones((2, 3)).tolist()
    assert seen == [((2, 3), A.dtype)]


def test_linear_in_all_operands_together():
    def cut(xp, g, shapes):
        ends = np.cumsum([shape[-1] for shape in shapes])
        return [g[..., end - shape[-1] : end] for shape, end in zip(shapes, ends, strict=True)]

    concat = LinearJoint(
        "concat",
        cut,
        batch=spread_batch,
        kernel=lambda adapter: lambda *xs: adapter.namespace.concat(xs, axis=-1),
    )
    check_every_rule(lambda a, b: box(concat.bind(a, b)), A, 2 * A[:, :1])
    check_grads(lambda a: box(concat.bind(a, A)), (A,), order=2)


def test_bilinear_from_two_transposes():
    matmul = Bilinear(
        "matmul",
        lambda xp, g, b: xp.matmul(g, xp.matrix_transpose(b)),
        lambda xp, g, a: xp.matmul(xp.matrix_transpose(a), g),
        batch=aligned,
    )
    product = lambda a, b: box(matmul.bind(a, b))  # noqa: E731
    check_every_rule(product, A, B)
    check_every_rule(product, A + 1j * A[::-1], B - 0.5j * B)
    check_grads(lambda a: product(a, B), (A,), order=2)
    check_grads(lambda b: product(A, b), (B,), order=2)
    check_grads(lambda a: product(a, a), (A[:, :2],), order=2)


# ---- what fits no class -------------------------------------------------------------------------


def softmax_kernel(adapter):
    xp = adapter.namespace

    def softmax(x, axis):
        e = xp.exp(x)
        return e / xp.sum(e, axis=axis, keepdims=True)

    return softmax


def softmax_vjp(xp, g, y, axis):
    return y * (g - xp.sum(g * y, axis=axis, keepdims=True))


def softmax_jvp(xp, t, y, axis):
    return y * (t - xp.sum(t * y, axis=axis, keepdims=True))


@pytest.mark.parametrize("jvp", [None, {"x": softmax_jvp}], ids=["transposed vjp", "own jvp"])
def test_general_with_and_without_a_forward_rule(jvp):
    softmax = General(
        "softmax",
        "x",
        vjp={"x": softmax_vjp},
        jvp=jvp,
        batch=shifted(),
        kernel=softmax_kernel,
    )
    check_every_rule(lambda x: box(softmax.bind(x, axis=1)), A)


def test_general_of_two_operands_of_which_one_has_no_derivative():
    scale = General(
        "scale",
        "x factor",
        vjp={"x": lambda g, factor: g * factor},
        batch=aligned,
        kernel=lambda adapter: lambda x, factor: x * factor,
    )
    check_grads(lambda x: box(scale.bind(x, A)), (A,), order=2)
    message = "xad.scale: expected a constant 'factor', .*stop_gradient"
    with pytest.raises(NotDifferentiableError, match=message):
        xad.grad(lambda f: xad.sum(box(scale.bind(A, f))))(A)
    with pytest.raises(NotDifferentiableError, match=message):
        xad.jvp(lambda f: box(scale.bind(A, f)), (A,), (A,))


def test_constant_operations_stop_derivatives():
    floor = Constant("floor", batch=aligned)
    step = lambda x: box(floor.bind(x))  # noqa: E731
    assert not xad.grad(lambda x: xad.sum(step(x)))(A).any()
    assert not xad.jvp(step, (A,), (A,))[1].any()
    with xad.use_backend("numpy"):
        assert not step(xad.asarray(A, requires_grad=True)).requires_grad
    batched = xad.vmap(step)(A)
    assert (batched == np.floor(A)).all()
