"""make_program: what is written down, how it prints, and that it runs."""

import threading

import numpy as np
import pytest

import xad
from xad.errors import ShapeError, TreeError


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
