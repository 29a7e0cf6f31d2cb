"""jit: what it gives is what the function gives, and what it cannot keep it refuses."""

import dataclasses
import gc
import signal
import threading
import traceback
import types
import warnings
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import xad
from xad import tree
from xad.errors import ConcreteValueError, NonFiniteError, ProgramError, ShapeError


@pytest.fixture
def x(here):
    return here.array([1.0, 2.0, 3.0])


def counts(jitted):
    info = jitted.cache_info()
    return info.hits, info.misses, info.size


# ---- trees, kinds, the cache ---------------------------------------------------------------------


class Pair(NamedTuple):
    first: object
    second: object


@dataclass(frozen=True)
class Layer:
    weight: object
    name: str = tree.static(default="layer")


def test_trees_go_in_and_come_out(here, close):
    def f(p, pair, *, scale):
        made = Pair(p["w"] * scale["by"], [pair.second, None])
        return {
            "made": made,
            "layer": Layer(p["w"] + pair.first, "sum"),
            "text": "as it is",
            "n": 3,
        }

    given = ({"w": here.array([1.0, 2.0])}, Pair(here.array(1.0), here.array([5.0])))
    jitted = xad.jit(f)
    for _ in range(2):
        out = jitted(*given, scale={"by": here.array(3.0)})
        close(out["made"].first, [3.0, 6.0])
        close(out["made"].second[0], [5.0])
        assert out["made"].second[1] is None
        close(out["layer"].weight, [2.0, 3.0])
        assert (out["layer"].name, out["text"], out["n"]) == ("sum", "as it is", 3)
    assert counts(jitted) == (1, 1, 1)


def test_type_in_type_out(x):
    jitted = xad.jit(lambda x, n: (xad.sin(x), x * n, xad.sum(x)))
    for _ in range(2):
        assert all(type(y) is type(x) for y in jitted(x, 2.0))
        assert all(type(y) is xad.Tensor for y in jitted(xad.Tensor(x), 2.0))


def test_there_is_one_program_for_each_kind_of_arguments(here):
    jitted = xad.jit(lambda x: x + x)
    for shape, dtype in [
        ((3,), "float64"),
        ((2, 3), "float64"),
        ((3,), "float32"),
        ((3,), "int64"),
    ]:
        value = np.ones(shape)
        for _ in range(2):
            out = jitted(here.array(value, dtype))
            assert tuple(out.shape) == shape
            assert dtype in str(out.dtype)
    assert counts(jitted) == (4, 4, 4)
    jitted({"x": here.array([1.0])}["x"])
    assert jitted.cache_info().misses == 5
    with pytest.raises(TypeError):
        jitted({"x": here.array([1.0])})


def test_devices_have_programs_of_their_own(strict_device):
    import array_api_strict as strict

    jitted = xad.jit(lambda x: x * 2)
    names = ["CPU_DEVICE", "device1"]
    for name in names:
        out = jitted(strict.asarray([1.0], device=strict.Device(name)))
        assert out.device == strict.Device(name)
    assert jitted.cache_info().misses == 2


def test_the_programs_used_longest_ago_go_first(here):
    jitted = xad.jit(lambda x: x * 2, limit=2)
    one, two, three = (here.array(np.ones(n)) for n in (1, 2, 3))
    for x in (one, two, one, three):
        jitted(x)
    assert counts(jitted) == (1, 3, 2)
    jitted(one)
    assert jitted.cache_info().misses == 3
    jitted(two)
    assert jitted.cache_info() == (2, 4, 2, 2)
    jitted.clear_cache()
    assert jitted.cache_info().size == 0
    jitted(two)
    assert jitted.cache_info().misses == 5


def test_the_program_can_be_read(x):
    jitted = xad.jit(lambda x: xad.exp(x) * 2)
    with pytest.raises(ProgramError, match="recorded at the first call"):
        jitted.source  # noqa: B018
    jitted(x)
    assert "exp" in jitted.source
    assert "exp" in str(jitted.listing)
    assert repr(jitted).startswith("<xad.jit of test_the_program_can_be_read")


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("kind", [int, float])
def test_numbers_are_inputs_and_never_promote(here, dtype, kind):
    if here.adapter.name == "array_api_strict" and dtype == "int64" and kind is float:
        pytest.skip("the standard does not mix these")

    def f(x, n):
        return x * n + (n * 2 - 1), n - x, xad.maximum(x, n), xad.where(x > 1, x, -n), x >= n

    x = here.array([1, 2, 3], dtype)
    jitted = xad.jit(f)
    for n in (2, 3, 5):
        for got, expected in zip(jitted(x, kind(n)), f(xad.Tensor(x), kind(n)), strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(here.to_host(got), here.to_host(expected))
    fits = not (dtype == "int64" and kind is float)
    assert jitted.cache_info().misses == (1 if fits else 3)


def test_numbers_by_themselves_are_arrays_of_the_default_dtype(here):
    def f(x, n):
        made = (xad.asarray(n), xad.sqrt(n), xad.asarray(n, dtype="float32"), xad.asarray([n, n]))
        return *made, xad.asarray([x[0], n]), xad.astype(x, made[0].dtype) * made[0], x * n

    x = here.array([1.0, 2.0], "float32")
    jitted = xad.jit(f)
    for n in (2.0, 3.0):
        for got, expected in zip(jitted(x, n), f(xad.Tensor(x), n), strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(here.to_host(got), here.to_host(expected))


def test_kinds_of_numbers_have_programs_of_their_own(here):
    jitted = xad.jit(lambda x, n: x * (n + 1))
    x = here.array([1.0])
    for n in (2, 2.0, True, False, 3, 3.0):
        jitted(x, n)
    # An integer, a float, and each flag.
    assert jitted.cache_info().misses == 4


def test_numbers_come_out_as_numbers(here):
    jitted = xad.jit(lambda x, n: {"x": x, "n": n + 1, "half": n / 2, "power": 2**-n})
    x = here.array([1.0])
    for n in (3, 4):
        out = jitted(x, n)
        assert (out["n"], out["half"], out["power"]) == (n + 1, n / 2, 2**-n)
        assert type(out["n"]) is int
    assert counts(jitted) == (1, 1, 1)


def test_a_number_that_decides_something_has_a_program_for_each_value(here, close):
    def f(x, n, rate):
        for _ in range(n):
            x = x + x
        return (x if rate > 0.5 else -x) * rate

    jitted = xad.jit(f)
    x = here.array([1.0])
    for n, rate in [(1, 0.25), (2, 0.25), (2, 0.75), (2, 0.75)]:
        close(jitted(x, n, rate), [2**n * (1 if rate > 0.5 else -1) * rate])
    assert jitted.cache_info().misses == 3


def test_numbers_in_derivatives(here, close):
    def f(x, n):
        return xad.sum(x * n / 3 + n / x + xad.sin(x) * -n + x**n)

    jitted = xad.jit(xad.grad(f))
    x = np.asarray([1.0, 2.0])
    for n in (2.0, 3.0):
        close(jitted(here.array(x), n), n / 3 - n / x**2 - np.cos(x) * n + n * x ** (n - 1))
    # The exponent is looked at: x**2 is x * x.
    assert jitted.cache_info().misses == 2
    del f


def test_numbers_where_eager_code_would_do_something_else(here, close):
    """What Python's arithmetic refuses, or gives in another kind, is left to eager code."""
    x = here.array([1.0, 2.0])
    jitted = xad.jit(lambda x, n: x * (1 / n))
    close(jitted(x, 2.0), [0.5, 1.0])
    with pytest.raises(ZeroDivisionError) as caught:
        jitted(x, 0.0)
    assert caught.value.__context__ is None
    power = xad.jit(lambda x, n: x * 2**n)
    close(power(x, 2), [4.0, 8.0])
    close(power(x, -2), [0.25, 0.5])


def test_numbers_in_trees_and_keywords(here, close):
    jitted = xad.jit(lambda x, *, options: x * options["by"])
    for by in (2.0, 3.0):
        close(jitted(here.array([1.0]), options={"by": by}), [by])
    assert jitted.cache_info().misses == 1


def test_many_programs_for_numbers_warn_once(here):
    jitted = xad.jit(lambda x, n: x * 2 if n > 0 else x)
    x = here.array([1.0])
    for n in range(16):
        jitted(x, n)
    with pytest.warns(UserWarning, match="more than 16 programs that differ by a Python number"):
        jitted(x, 16)
    for n in range(17, 20):
        jitted(x, n)


def test_static_arguments_are_seen_as_they_are(here, close):
    @partial(xad.jit, static_argnums=(1, 2))
    def f(x, name, count):
        assert type(count) is int
        return x * count if name == "times" else x + count

    x = here.array([1.0])
    for _ in range(2):
        close(f(x, "times", 3), [3.0])
        close(f(x, "plus", 3), [4.0])
    assert counts(f) == (2, 2, 2)
    with pytest.raises(TypeError, match=r"hashable .*tuples in place of lists as static"):
        f(x, ["times"], 3)
    with pytest.raises(ValueError, match="expected static_argnums from 0 up, got -1"):
        xad.jit(lambda x: x, static_argnums=-1)


def test_static_arguments_given_by_keyword(here, close):
    f = xad.jit(lambda x, name="plus": x * 3 if name == "times" else x + 3, static_argnums=1)
    x = here.array([1.0])
    for _ in range(2):
        close(f(x, name="times"), [3.0])
        close(f(x), [4.0])


# ---- what comes from outside ---------------------------------------------------------------------

factor = 2.0
table = {"w": None}


def uses_globals(x):
    return x * factor + helper(x)


def helper(x):
    return x * table["w"]


def test_globals_are_constants_until_they_change(here, close, monkeypatch):
    monkeypatch.setitem(table, "w", here.array(1.0))
    jitted = xad.jit(uses_globals)
    x = here.array([1.0])
    close(jitted(x), [3.0])
    close(jitted(x), [3.0])
    assert counts(jitted) == (1, 1, 1)
    monkeypatch.setitem(globals(), "factor", 5.0)
    close(jitted(x), [6.0])
    monkeypatch.setitem(table, "w", here.array(10.0))
    close(jitted(x), [15.0])
    monkeypatch.setitem(globals(), "helper", lambda x: x * 0)
    close(jitted(x), [5.0])
    assert counts(jitted) == (1, 4, 1)


def test_variables_of_enclosing_functions(here, close):
    weight = here.array(2.0)
    flag = True

    def inner(x):
        return x * weight if flag else x

    jitted = xad.jit(lambda x: inner(x) + 1)
    x = here.array([1.0])
    close(jitted(x), [3.0])
    weight = here.array(3.0)
    close(jitted(x), [4.0])
    flag = False
    close(jitted(x), [2.0])
    assert counts(jitted) == (0, 3, 1)


def test_what_partial_and_methods_bind(here, close):
    class Model:
        shift = 0.0

        def __init__(self):
            self.w = here.array(2.0)
            self.unrelated = 0

        def forward(self, x):
            return x * self.w + self.shift

        def outer(self, x):
            return self.forward(x)

    model = Model()
    options = {"by": here.array(10.0)}
    bound = xad.jit(model.outer)
    called = xad.jit(lambda x: model.forward(x))
    with_part = xad.jit(partial(lambda options, x: x * options["by"], options))
    x = here.array([1.0])
    close(bound(x), [2.0])
    close(called(x), [2.0])
    close(with_part(x), [10.0])
    model.unrelated = 1
    close(bound(x), [2.0])
    assert counts(bound) == (1, 1, 1)
    model.w = here.array(3.0)
    options["by"] = here.array(20.0)
    close(bound(x), [3.0])
    close(called(x), [3.0])
    close(with_part(x), [20.0])
    Model.shift = 1.0
    close(bound(x), [4.0])
    close(called(x), [4.0])


def test_models_of_dataclasses_in_closures(here, close):
    model = {"layer": Layer(here.array(2.0)), "scale": 1.0}
    jitted = xad.jit(lambda x: x * model["layer"].weight * model["scale"])
    x = here.array([1.0])
    close(jitted(x), [2.0])
    model["layer"] = Layer(here.array(3.0))
    close(jitted(x), [3.0])
    model["scale"] = 2.0
    close(jitted(x), [6.0])
    assert counts(jitted) == (0, 3, 1)


def test_modules_of_users(here, close):
    settings = types.ModuleType("settings_of_a_user")
    settings.rate = 2.0
    jitted = xad.jit(lambda x: x * settings.rate)
    close(jitted(here.array([1.0])), [2.0])
    settings.rate = 3.0
    close(jitted(here.array([1.0])), [3.0])


def test_jit_of_methods(here, close):
    class Counter:
        def __init__(self, w):
            self.w = w

        @xad.jit
        def times(self, x):
            return x * self.w

    one, two = Counter(here.array(2.0)), Counter(here.array(3.0))
    x = here.array([1.0])
    for _ in range(2):
        close(one.times(x), [2.0])
        close(two.times(x), [3.0])
    one.w = here.array(5.0)
    close(one.times(x), [5.0])
    close(two.times(x), [3.0])


def test_functions_among_the_arguments(here, close):
    weight = here.array(2.0)
    jitted = xad.jit(lambda f, x: f(x))

    def times(x):
        return x * weight

    x = here.array([1.0])
    close(jitted(times, x), [2.0])
    weight = here.array(3.0)
    close(jitted(times, x), [3.0])


def test_wraps_and_decorators_lead_to_the_function(here, close):
    weight = here.array(2.0)
    jitted = xad.jit(xad.value_and_grad(lambda x: xad.sum(x * weight)))
    x = here.array([1.0])
    close(jitted(x)[1], [2.0])
    weight = here.array(3.0)
    close(jitted(x)[1], [3.0])


@pytest.mark.parametrize("size", [3, 5000])
def test_writing_into_a_captured_array_is_noticed(here, close, size):
    w = here.array(np.ones(size))
    jitted = xad.jit(lambda x: x * xad.sin(w))
    x = here.array(np.ones(size))
    close(jitted(x), np.sin(np.ones(size)))
    if here.adapter.name in ("jax", "dask"):
        pytest.skip("their arrays are not written into")
    if here.adapter.name == "array_api_strict" and size > 1000:
        pytest.skip("large ones are not looked at")
    if here.adapter.name == "numpy" and size > 1000:
        with pytest.raises(ValueError, match="read-only"):
            w[0] = 2.0
        jitted.clear_cache()
        gc.collect()
    w[0] = 2.0
    expected = np.ones(size)
    expected[0] = 2.0
    close(jitted(x), np.sin(expected))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_arrays_that_two_programs_hold_are_writable_when_both_are_gone(order):
    w = np.ones((100, 100))
    part = w[:50]
    jitted = [xad.jit(lambda x: x * w), xad.jit(lambda x: x + part)]
    jitted[0](np.ones((100, 100)))
    jitted[1](np.ones((50, 100)))
    jitted[order[0]].clear_cache()
    gc.collect()
    assert not w.flags.writeable
    jitted[order[1]].clear_cache()
    gc.collect()
    assert w.flags.writeable
    assert part.flags.writeable
    part[0] = 2.0


def test_tensors_from_outside_that_are_assigned_to(here, close):
    w = xad.asarray(here.array([1.0, 2.0]))
    jitted = xad.jit(lambda x: x * w)
    x = here.array([1.0, 1.0])
    close(jitted(x), [1.0, 2.0])
    w[0] = 7.0
    close(jitted(x), [7.0, 2.0])


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x if xad.sum(x) > 0 else -x,
        lambda x: x * float(xad.sum(x)),
        lambda x: x * xad.sum(x).item(),
        lambda x: x[x > 0],
        lambda x: xad.nonzero(x)[0],
        lambda x: np.asarray(x) + 1,
        lambda x: x * int(xad.sum(x)),
    ],
    ids=["bool", "float", "item", "mask", "nonzero", "numpy", "int"],
)
def test_values_are_refused_and_the_line_is_shown(here, ask):
    jitted = xad.jit(ask)
    with pytest.raises(ConcreteValueError) as caught:
        jitted(here.array([1.0, 2.0]))
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert __file__ in files[1:]
    assert jitted.cache_info().size == 0


def test_errors_of_the_function_are_its_own(here):
    def wrong(x):
        return xad.matmul(x, here.array(np.ones((5, 5))))

    def raising(x):
        raise KeyError("mine")

    x = here.array([1.0, 2.0])
    for f, kind in [(wrong, ShapeError), (raising, KeyError)]:
        with pytest.raises(kind) as eager:
            f(x)
        for arguments in [(x,), (xad.Tensor(x),)]:
            with pytest.raises(kind) as recorded:
                xad.jit(f)(*arguments)
            assert recorded.value.__context__ is eager.value.__context__ or kind is ShapeError
            frames = traceback.extract_tb(recorded.value.__traceback__)
            assert f.__name__ in [frame.name for frame in frames]
    assert recorded.value.args == eager.value.args


def test_an_error_with_numbers_is_not_chained_to_the_first_attempt(here):
    def f(x, n):
        raise RuntimeError(f"{n:.2f}")

    with pytest.raises(RuntimeError, match=r"^1\.50$") as caught:
        xad.jit(f)(here.array([1.0]), 1.5)
    assert caught.value.__context__ is None


def test_recorded_arrays_do_not_leak(here):
    kept = []
    state = {}

    def into_list(x):
        kept.append(x * 2)
        return x

    def into_dict(x):
        state["last"] = [x]
        return x

    class Model:
        def __call__(self, x):
            self.last = x
            return x

    x = here.array([1.0])
    for f in (into_list, into_dict, Model()):
        with pytest.raises(ProgramError, match=r"stored outside of it .*return it"):
            xad.jit(f)(x)
    with pytest.raises(ProgramError, match=r"xad.add: .*stored outside"):
        kept[0] + 1


def test_recorded_arrays_do_not_stay_in_grad(here):
    leaf = xad.asarray(here.array([1.0]), requires_grad=True)

    def f(x):
        leaf.grad = x
        return x

    with pytest.raises(ProgramError, match="stored outside"):
        xad.jit(f)(here.array([1.0]))


def test_backward_to_a_tensor_from_outside_runs_as_it_is(here, close):
    leaf = xad.asarray(here.array([1.0, 2.0]), requires_grad=True)

    def f(x):
        y = xad.sum(leaf * x)
        y.backward()
        return y

    jitted = xad.jit(f)
    for times in (1, 2, 3):
        close(jitted(here.array([3.0, 4.0])).detach(), 11.0)
        close(leaf.grad, np.asarray([3.0, 4.0]) * times)


def test_backward_within_the_function_is_recorded(here, close):
    def f(x):
        leaf = xad.asarray(x, requires_grad=True)
        xad.sum(leaf**3).backward()
        return leaf.grad

    jitted = xad.jit(f)
    for value in (1.0, 2.0):
        close(jitted(here.array([value])), [3 * value**2])
    assert counts(jitted) == (1, 1, 1)


def test_assignment_is_recorded(here, close):
    def f(x, v):
        y = x * 1
        y[0] = v
        y[1:] += 10
        y *= 2
        return y

    jitted = xad.jit(f)
    for v in (5.0, 6.0):
        given = here.array([1.0, 2.0, 3.0])
        close(jitted(given, here.array(v)), [2 * v, 24.0, 26.0])
        close(given, [1.0, 2.0, 3.0])
    assert counts(jitted) == (1, 1, 1)


# ---- with other transformations ------------------------------------------------------------------


def wave(x):
    return xad.sum(xad.sin(x) * x * x)


def test_transformations_inside(here, close):
    x = here.array([0.5, 2.0])
    v = here.array([1.0, -1.0])
    for f, arguments in [
        (xad.grad(wave), (x,)),
        (xad.hessian(wave), (x,)),
        (xad.jacobian(lambda x: xad.sin(x) * x), (x,)),
        (lambda x, v: xad.jvp(wave, (x,), (v,)), (x, v)),
        (xad.vmap(xad.grad(lambda x: xad.sin(x) * x)), (x,)),
        (lambda x: xad.vjp(wave, x)[1](1.0), (x,)),
    ]:
        jitted = xad.jit(f)
        for _ in range(2):
            got, expected = tree.leaves(jitted(*arguments)), tree.leaves(f(*arguments))
            for a, b in zip(got, expected, strict=True):
                close(a, here.to_host(b), 1e-12)
        assert counts(jitted) == (1, 1, 1)


def test_inside_transformations_it_runs_as_it_is(here, close):
    jitted = xad.jit(lambda x: xad.sin(x) * x)
    x = np.asarray([0.5, 2.0])
    slope = np.cos(x) * x + np.sin(x)
    close(xad.grad(lambda x: xad.sum(jitted(x)))(here.array(x)), slope)
    close(xad.jvp(jitted, (here.array(x),), (here.array(np.ones(2)),))[1], slope)
    close(xad.vmap(jitted)(here.array(x)), np.sin(x) * x)
    close(xad.vmap(xad.grad(jitted))(here.array(x)), slope)
    close(
        xad.hessian(lambda x: xad.sum(jitted(x)))(here.array(x))[0, 0],
        2 * np.cos(x[0]) - x[0] * np.sin(x[0]),
    )
    tensor = xad.asarray(here.array(x), requires_grad=True)
    xad.sum(jitted(tensor)).backward()
    close(tensor.grad, slope)


def test_what_a_transformation_around_tracks_in_a_closure(here, close):
    def f(w):
        jitted = xad.jit(lambda x: w * x)
        return xad.sum(jitted(here.array([1.0, 2.0])))

    close(xad.grad(f)(here.array(3.0)), 3.0)
    holder = {"w": here.array(3.0)}
    jitted = xad.jit(lambda x: x * holder["w"])
    x = xad.asarray(here.array([1.0, 2.0]))
    close(jitted(x), [3.0, 6.0])

    def through(w):
        holder["w"] = w
        return xad.sum(jitted(x))

    close(xad.grad(through)(here.array(4.0)), 3.0)
    holder["w"] = here.array(5.0)
    close(jitted(x), [5.0, 10.0])


def test_jit_inside_jit(here, close):
    inner = xad.jit(lambda x, n: xad.sin(x) * n)
    outer = xad.jit(lambda x, n: inner(x, n) + inner(inner(x, 2.0), n * 2))
    x = np.asarray([0.5, 2.0])
    for n in (2.0, 3.0):
        once = np.sin(x)
        close(outer(here.array(x), n), once * n + np.sin(once * 2) * n * 2, 1e-12)
    assert counts(outer) == (1, 1, 1)
    assert counts(inner) == (0, 0, 0)


# ---- results, memory, donation -------------------------------------------------------------------


def test_results_of_two_calls_are_independent(here, close):
    w = here.array([1.0, 2.0])
    jitted = xad.jit(lambda x: (x * 2, w, xad.sin(x) + w, xad.broadcast_to(xad.sum(x), (2,))))
    x = here.array([1.0, 1.0])
    first = jitted(x)
    values = [here.to_host(y).copy() for y in first]
    second = jitted(here.array([5.0, 5.0]))
    for y, value in zip(first, values, strict=True):
        close(y, value)
    if here.adapter.name in ("jax", "dask"):
        return
    for y in second[:3]:
        y[0] = 100.0
    for y, value in zip(jitted(x), values, strict=True):
        close(y, value)
    close(w, [1.0, 2.0])


def test_donated_arguments(here, close):
    def step(w, x):
        return w - 0.1 * xad.grad(lambda w: xad.sum((w * x) ** 2))(w)

    jitted = xad.jit(step, donate_argnums=0)
    x = here.array([1.0, 2.0])
    values = np.asarray([1.0, 2.0])
    w = here.array(values)
    for _ in range(5):
        values = values - 0.1 * 2 * values * np.asarray([1.0, 4.0])
        w = jitted(w, x)
        close(w, values)
    close(x, [1.0, 2.0])


def test_donated_memory_that_cannot_be_used_is_left_alone():
    jitted = xad.jit(lambda w, x: w * x, donate_argnums=0)
    x = np.asarray([1.0, 2.0, 3.0])
    base = np.arange(6.0)
    fixed = np.ones(3)
    fixed.setflags(write=False)
    for w in (base[::2], base[:3], fixed, x):
        before = w.copy()
        np.testing.assert_array_equal(jitted(w, x), before * x if w is not x else before**2)
        np.testing.assert_array_equal(base, np.arange(6.0))
        np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(fixed, np.ones(3))


def test_threads_at_once(here, close):
    jitted = xad.jit(lambda x, n: xad.sum(xad.sin(x) * n + xad.cos(x) * x))
    failures = []

    def work(number):
        try:
            size = 3 + number % 3
            for i in range(20):
                value = np.linspace(0, 1, size) + number + i
                expected = (np.sin(value) * i + np.cos(value) * value).sum()
                close(jitted(here.array(value), float(i)), expected, 1e-9)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert jitted.cache_info().size == 3


def test_a_function_that_calls_itself(here, close):
    @partial(xad.jit, static_argnums=1)
    def f(x, n):
        return x if n == 0 else f(x * 2, n - 1)

    close(f(here.array([1.0]), 5), [32.0])
    close(f(here.array([1.0]), 5), [32.0])


def test_interruptions_and_errors_leave_the_cache_right(here, close):
    trouble = [KeyboardInterrupt, ValueError, None]

    def f(x):
        kind = trouble[0]
        if kind is not None:
            raise kind
        return x * 2

    jitted = xad.jit(f)
    x = here.array([1.0])
    for _ in range(2):
        with pytest.raises(trouble[0]):
            jitted(x)
        assert counts(jitted) == (0, 0, 0)
        trouble.pop(0)
    close(jitted(x), [2.0])
    assert counts(jitted) == (0, 1, 1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_at_any_moment(here, close):
    jitted = xad.jit(lambda x, n: xad.sum(xad.sin(x) * n))
    x = here.array(np.ones(50))

    def stop(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for i in range(30):
            # Again and again: Python drops what is raised in others' callbacks while it collects
            # garbage.
            signal.setitimer(signal.ITIMER_REAL, 2e-4 * (i + 1), 0.05)
            try:
                while True:
                    jitted(x, float(i))
                    jitted.clear_cache()
            except KeyboardInterrupt:
                pass
            signal.setitimer(signal.ITIMER_REAL, 0)
            close(jitted(x, 2.0), 100 * np.sin(1.0), 1e-12)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---- debugging -----------------------------------------------------------------------------------


def test_disable_jit_runs_the_function_as_it_is(here, close):
    seen = []

    def f(x):
        seen.append(type(x))
        return x * float(xad.sum(x))

    jitted = xad.jit(f)
    x = here.array([2.0])
    with xad.disable_jit():
        close(jitted(x), [4.0])
        with xad.disable_jit():
            pass
        close(jitted(x), [4.0])
    assert seen == [type(x)] * 2
    with pytest.raises(ConcreteValueError):
        jitted(x)


def test_debug_nans_names_the_line(here):
    def f(x):
        return xad.log(x)

    jitted = xad.jit(f)
    x = here.array([-1.0])
    assert np.isnan(here.to_host(jitted(x))).all()
    with xad.debug_nans(), pytest.raises(NonFiniteError, match=r"test_jit.py:\d+, in f"):
        jitted(x)


def test_it_runs_without_warnings(x):
    jitted = xad.jit(lambda x: xad.log(x * 0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            jitted(x)


# ---- random numbers ------------------------------------------------------------------------------

DRAWS = {
    "random": lambda rng: rng.random((2, 3)),
    "random in float32": lambda rng: rng.random(3, dtype=np.float32),
    "normal": lambda rng: rng.normal(1.0, 2.0, size=3),
    "standard_normal": lambda rng: rng.standard_normal((3,)),
    "uniform": lambda rng: rng.uniform(-1.0, 1.0, 3),
    "integers": lambda rng: rng.integers(10, size=3),
    "permutation": lambda rng: rng.permutation(5),
    "choice": lambda rng: rng.choice(5, size=2, replace=False),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_are_those_of_eager_code(here, draw):
    def f(x, rng):
        first = draw(rng)
        return x * 2, first * 1, draw(rng) * 1

    jitted = xad.jit(f)
    mine, other = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(3):
        _, first, second = jitted(here.array([1.0]), mine)
        np.testing.assert_array_equal(here.to_host(first), draw(other))
        np.testing.assert_array_equal(here.to_host(second), draw(other))
        assert mine.bit_generator.state == other.bit_generator.state
    assert counts(jitted) == (2, 1, 1)


def test_single_draws_are_numbers(here):
    jitted = xad.jit(lambda x, rng: x * rng.random())
    mine, other = np.random.default_rng(7), np.random.default_rng(7)
    x = here.array([1.0], "float32")
    for _ in range(3):
        got = jitted(x, mine)
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(here.to_host(got), np.float32(other.random()))
    assert counts(jitted) == (2, 1, 1)


def test_draws_in_derivatives_and_generators_passed_twice(here):
    def f(x, a, b):
        def loss(x):
            return xad.sum(x * x * xad.astype(a.random(3) + b.random(3), x.dtype))

        return xad.grad(loss)(x)

    jitted = xad.jit(f)
    mine, other = np.random.default_rng(7), np.random.default_rng(7)
    x = here.array([1.0, 2.0, 3.0])
    for _ in range(2):
        expected = 2 * np.asarray([1.0, 2.0, 3.0]) * (other.random(3) + other.random(3))
        np.testing.assert_allclose(here.to_host(jitted(x, mine, mine)), expected, rtol=1e-12)


def test_generators_come_out_as_they_are(here):
    jitted = xad.jit(lambda x, rng: (x + rng.random(1)[0] * 0, rng))
    rng = np.random.default_rng(0)
    for _ in range(2):
        assert jitted(here.array(1.0), rng)[1] is rng


def test_random_numbers_that_would_be_constants_are_refused(here):
    rng = np.random.default_rng(0)
    holder = {"rng": [rng]}
    x = here.array([1.0])
    for f in (
        lambda x: x * float(rng.random()),
        lambda x: x * float(holder["rng"][0].random()),
        lambda x: x * np.random.rand(),
    ):
        with pytest.raises(ProgramError, match=r"pass the generator: f\(x, rng\)"):
            xad.jit(f)(x)


def test_what_generators_cannot_do_while_recorded(here):
    x, rng = here.array([1.0]), np.random.default_rng(0)
    state = rng.bit_generator.state
    out = np.empty(3)
    for f, kind, message in [
        (lambda x, rng: rng.shuffle([1, 2]), ProgramError, "rng.shuffle"),
        (lambda x, rng: rng.bit_generator, ProgramError, "rng.bit_generator"),
        (lambda x, rng: rng.random(3, out=out), ProgramError, r"rng.random\(out"),
        (lambda x, rng: rng.normal(x), ConcreteValueError, "draw standard numbers and scale"),
        (lambda x, rng: x if rng.random() < 0.5 else -x, ConcreteValueError, "another one at each"),
    ]:
        with pytest.raises(kind, match=message):
            xad.jit(f)(x, rng)
    assert rng.bit_generator.state == state


def test_sums_and_products_are_reordered_only_when_asked(here, close):
    f = lambda x: (x * 0.1) * 3.0  # noqa: E731
    x = here.array([1.0, 2.0])
    exact, free = xad.jit(f), xad.jit(f, reassociate=True)
    assert (here.to_host(exact(x)) == here.to_host(f(x))).all()
    close(free(x), here.to_host(f(x)))
    assert len(free.listing) < len(exact.listing)


@pytest.mark.parametrize(("first", "second"), [(1, True), (1, 1.0), (0.0, -0.0), ((2,), (2.0,))])
def test_equal_values_of_different_kinds_have_programs_of_their_own(here, first, second):
    @dataclasses.dataclass
    class Given:
        x: object
        setting: object = xad.tree.static(default=None)

    x = here.array([1.0, 2.0])
    static = xad.jit(lambda setting, x: (x, repr(setting)), static_argnums=0)
    field = xad.jit(lambda given: (given.x, repr(given.setting)))
    key = xad.jit(lambda given: (given["x"], repr([k for k in given if k != "x"])))
    for value in (first, second, first):
        assert static(value, x)[1] == repr(value)
        assert field(Given(x, value))[1] == repr(value)
        assert key({"x": x, value: x})[1] == repr([value])


def test_the_order_of_dicts_is_that_of_the_arguments(here, close):
    first, second = here.array([[1.0, 2.0], [0.0, 1.0]]), here.array([[1.0, 0.0], [3.0, 1.0]])
    x = here.array([1.0, 1.0])

    def network(layers, x):
        for weights in layers.values():
            x = weights @ x
        return x

    jitted = xad.jit(network)
    by_name = xad.jit(lambda x, **layers: network(layers, x))
    slopes = xad.grad(lambda layers: xad.sum(network(layers, x)))
    for layers in ({"in": first, "b": second}, {"b": second, "in": first}):
        for _ in range(3):
            expected = here.to_host(network(layers, x))
            close(jitted(layers, x), expected)
            close(by_name(x, **layers), expected)
        found = slopes(layers)
        assert list(found) == list(layers)
        last = list(layers)[-1]
        before = layers[next(iter(layers))] @ x
        close(found[last], np.broadcast_to(here.to_host(before), (2, 2)))


def test_tensors_are_detached_as_ever(here, close):
    x = xad.asarray(here.array([1.0, 2.0]))
    f = lambda x: x.detach() * 2 if not x.requires_grad else x  # noqa: E731
    close(xad.jit(f)(x), [2.0, 4.0])


def test_constants_that_torch_tracks_stay_tracked(require_library):
    require_library("torch")
    import torch

    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)
    x = torch.ones(2, dtype=torch.float64)
    jitted = xad.jit(lambda x: x * weight)
    for _ in range(2):
        out = jitted(x)
        assert out.requires_grad
        out.sum().backward()
    assert weight.grad.tolist() == [2.0, 2.0]
