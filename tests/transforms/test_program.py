"""make_program: what is written down, how it prints, and that it runs."""

import threading
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

import xad
from xad import tree
from xad.errors import ShapeError, TreeError
from xad.transforms.program import Program


def test_it_prints_as_the_operations_in_order():
    x = np.asarray([0.0, 1.0])

    def wave(x):
        return xad.sin(x) * 2

    program = xad.make_program(wave)(x)
    assert str(program).splitlines() == [
        "def wave(a: float64[2]):",
        "    b: float64[2] = sin(a)",
        "    c: float64[2] = multiply(b, 2)",
        "    return c",
    ]
    assert repr(program) == "<Program wave: 2 operations>"
    assert len(program) == 2


def test_it_runs_on_other_values(here, close):
    program = xad.make_program(lambda x, y: xad.sin(x) * y)(here.array([0.0]), here.array([1.0]))
    close(program(here.array([0.5]), here.array([3.0])), 3 * np.sin([0.5]))


def test_a_derivative_is_written_down_too(here, close):
    program = xad.make_program(xad.grad(lambda x: xad.sum(xad.sin(x) * x)))(here.array([0.1, 0.2]))
    x = np.asarray([0.5, 2.0])
    close(program(here.array(x)), np.cos(x) * x + np.sin(x))


def test_arrays_from_outside_are_constants_and_stand_once(here, close):
    weight = here.array([2.0, 3.0])
    program = xad.make_program(lambda x: xad.sin(x * weight) + weight)(here.array([0.0, 1.0]))
    assert len(program.constants) == 1
    assert next(iter(program.constants.values())) is weight
    assert "<constant>" in str(program)
    close(program(here.array([1.0, 1.0])), np.sin([2.0, 3.0]) + np.asarray([2.0, 3.0]))


def test_trees_in_and_out(here, close):
    def f(p, pair):
        return {"sum": p["w"] + pair[0], "same": [p["w"]], "outside": here.array(7.0)}

    p = {"w": here.array([1.0, 2.0])}
    program = xad.make_program(f)(p, (here.array([0.0, 0.0]),))
    out = program({"w": here.array([5.0, 6.0])}, (here.array([1.0, 1.0]),))
    close(out["sum"], [6.0, 7.0])
    close(out["same"][0], [5.0, 6.0])
    close(out["outside"], 7.0)


def test_type_in_type_out_at_each_call(here):
    raw = here.array([1.0])
    program = xad.make_program(lambda x: x + 1)(raw)
    for x in (raw, xad.Tensor(raw)):
        assert type(program(x)) is type(x)


def test_other_shapes_dtypes_and_trees_are_refused(here):
    program = xad.make_program(lambda p: p["x"] + 1)({"x": here.array([1.0, 2.0])})
    with pytest.raises(ShapeError, match=r"at argument \[0\]\['x'\], got .*\[3\]; record again"):
        program({"x": here.array([1.0, 2.0, 3.0])})
    with pytest.raises(ShapeError, match=r"got .*int"):
        program({"x": here.array([1, 2], "int64")})
    with pytest.raises(TreeError, match="trees differ"):
        program(here.array([1.0, 2.0]))


def test_a_program_can_be_differentiated_batched_and_recorded(here, close):
    program = xad.make_program(lambda x: xad.sum(xad.sin(x)))(here.array([0.0, 0.0]))
    x = np.asarray([[0.5, 2.0], [1.0, -1.0]])
    close(xad.grad(program)(here.array(x[0])), np.cos(x[0]))
    close(xad.vmap(program)(here.array(x)), np.sin(x).sum(1))
    close(xad.vmap(xad.grad(program))(here.array(x)), np.cos(x))
    again = xad.make_program(program)(here.array(x[1]))
    assert len(again) == len(program)
    close(again(here.array(x[0])), np.sin(x[0]).sum())


def test_recordings_inside_each_other_own_their_programs(here, close):
    inner = []

    def f(x):
        inner.append(xad.make_program(lambda y: xad.sin(y) * x)(x))
        return inner[0](x) + 1

    outer = xad.make_program(f)(here.array([0.5]))
    # The outer one sees the inner one being recorded on examples, and being replayed.
    assert [len(inner[0]), len(outer)] == [2, 2 + 2 + 1]
    close(outer(here.array([2.0])), np.sin([2.0]) * 2 + 1)


def test_what_does_not_depend_on_the_input_is_not_written_down(here):
    c = here.array([1.0])
    program = xad.make_program(lambda x: x + xad.sin(xad.sin(c)))(here.array([1.0]))
    assert len(program) == 1


def test_recordings_in_threads_do_not_mix(here):
    lengths = {}

    def record(n):
        def f(x):
            for _ in range(n):
                x = xad.sin(x)
            return x

        lengths[n] = len(xad.make_program(f)(here.array([0.5])))

    threads = [threading.Thread(target=record, args=(10 * n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == {n: n for n in range(10, 90, 10)}


def test_data_dependent_branches_are_refused(here):
    with pytest.raises(TypeError, match="bool"):
        xad.make_program(lambda x: x if x > 0 else -x)(here.array(1.0))
    with pytest.raises(TypeError, match="float"):
        xad.make_program(lambda x: float(x) * x)(here.array(1.0))


def results_written_into(program, x):
    """What the program gives at a second call, after its results at the first were written into."""
    for y in program(x):
        with suppress(TypeError):  # of a library whose arrays never change
            y[...] = 99.0
    return program(x)


def test_results_are_never_the_constants_or_views_of_them(here, strict_device, close):
    c = here.array([1.0, 2.0])
    program = xad.make_program(lambda x: (c, x + c, c[1:], c[0]))(here.array([1.0, 1.0]))
    assert len(program) == 1
    for place in (here, strict_device):
        got = results_written_into(program, place.array([1.0, 1.0]))
        for y, expected in zip(got, ([1.0, 2.0], [2.0, 3.0], [2.0], 1.0), strict=True):
            np.testing.assert_array_equal(place.to_host(y), expected)
    close(c, [1.0, 2.0])


def test_views_of_constants_in_the_program_itself_are_copied(here, close):
    """As a file may have them."""
    listing = xad.make_program(lambda x: xad.reshape(x, (2,)))(here.array([[1.0, 2.0]])).listing
    (v,) = listing.inputs
    program = Program(
        "flat",
        replace(listing, inputs=(), constants={v: here.array([[1.0, 2.0]])}),
        tree.structure(()),
        tree.LEAF,
    )
    with suppress(TypeError):
        program()[...] = 99.0
    close(program(), [1.0, 2.0])


def test_gradients_flow_to_tensors_that_a_program_returns(here, close):
    w = xad.asarray(here.array([2.0, 3.0]), requires_grad=True)
    program = xad.make_program(lambda x: (w, x * 2))(here.array([1.0, 1.0]))
    y, _ = program(here.array([1.0, 1.0]))
    xad.sum(y * y).backward()
    close(w.grad, [4.0, 6.0])
    close(xad.grad(lambda x: xad.sum(program(x)[0] * x))(here.array([1.0, 1.0])), [2.0, 3.0])


def test_numbers_become_arrays_where_the_others_are(here, strict_device, close):
    example = here.array([1.0, 1.0])
    program = xad.make_program(lambda s, x: x * s)(here.array(2.0), example)
    close(program(3.0, here.array([1.0, 2.0])), [3.0, 6.0])
    close(program(3, here.array([1.0, 2.0])), [3.0, 6.0])
    got = program(3.0, strict_device.array([1.0, 2.0]))
    assert strict_device.adapter.device_of(got.value) == strict_device.device
    np.testing.assert_array_equal(strict_device.to_host(got.value), [3.0, 6.0])
    with xad.use_backend("array_api_strict"):
        close(program(3.0, here.array([1.0, 2.0])), [3.0, 6.0])


def test_numbers_alone_run_where_they_were_recorded(here):
    with xad.use_backend("numpy"):
        program = xad.make_program(lambda s: s * 2)(2.0)
    got = program(3.0).value
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, 6.0, strict=True)


def test_numbers_that_do_not_fit_are_refused(here):
    program = xad.make_program(lambda s, x: (s, x))(here.array(2, "int32"), here.array([1.0]))
    for number in (2.5, True, 2**40):
        with pytest.raises(ShapeError, match=r"expected int32\[\] at argument \[0\], got "):
            program(number, here.array([1.0]))


def test_numbers_of_a_recorded_call_stay_inputs(here, close):
    program = xad.make_program(lambda s, x: x * s)(here.array(2.0), here.array([1.0]))
    fast = xad.jit(lambda s, x: program(s, x))
    close(fast(3.0, here.array([1.0])), [3.0])
    close(fast(4.0, here.array([1.0])), [4.0])
    assert fast.cache_info().misses == 1


def test_results_without_axes_are_arrays(here):
    x = here.array([1.0, 2.0])
    program = xad.make_program(lambda x: (xad.sum(x), x[0] * 2))(x)
    kind = type(here.array(1.0))
    assert [type(y) for y in program(x)] == [kind, kind]
    value, push = xad.linearize(xad.sum, x)
    assert (type(value), type(push(x))) == (kind, kind)
