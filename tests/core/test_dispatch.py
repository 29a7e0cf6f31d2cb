"""Levels, and how an operation finds who handles it."""

import threading

import numpy as np
import pytest

import xad
from xad.core.batching import Batched, aligned, shifted
from xad.core.boxing import box
from xad.core.conform import namespace_of
from xad.core.primitive import Primitive
from xad.core.recording import Variable
from xad.core.rules import Constant
from xad.core.tape import Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper, fresh_level, innermost
from xad.errors import DeviceMismatchError, LibraryMismatchError, ShapeError

X = np.asarray([1.0, 2.0])


@pytest.fixture
def plus():
    return Constant("add", batch=aligned)


def test_levels_rise_and_are_never_used_twice():
    taken = []

    def take():
        taken.append([fresh_level() for _ in range(200)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(levels == sorted(levels) for levels in taken)
    assert len({level for levels in taken for level in levels}) == 8 * 200
    assert min(map(min, taken)) > BASE_LEVEL


def test_raw_arrays_give_a_raw_array(plus):
    out = plus.bind(X, X)
    assert type(out) is np.ndarray
    assert out.tolist() == [2.0, 4.0]


def test_the_largest_level_handles_an_operation():
    handled = []

    class Noting(Wrapper):
        def __init__(self, value, level):
            self.value = value
            self.level = level

        @staticmethod
        def apply(primitive, level, operands, params):
            handled.append(level)
            lowered = [
                x.value if isinstance(x, Noting) and x.level == level else x for x in operands
            ]
            return primitive.bind(*lowered, **params)

    plus = Constant("add", batch=aligned)
    out = plus.bind(Noting(X, 3), Noting(Noting(X, 1), 7))
    assert handled == [7, 3, 1]
    assert out.tolist() == [2.0, 4.0]


def test_a_bare_wrapper_does_nothing(plus):
    bare = Wrapper()
    bare.value, bare.level = X, 1
    with pytest.raises(TypeError, match="carries out no operation"):
        plus.bind(bare, X)
    with pytest.raises(TypeError, match="no namespace"):
        bare.__array_namespace__()


def test_innermost_and_box():
    pile = xad.Tensor(Batched(Reverse(X), 3))
    assert innermost(pile) is X
    assert innermost(X) is X
    assert type(box(X)) is xad.Tensor
    assert box(pile) is pile
    assert [type(x) for x in box((X, pile))] == [xad.Tensor, xad.Tensor]


def test_numpy_scalars_do_not_promote(plus):
    single = X.astype("float32")
    assert plus.bind(single, np.float64(2.0)).dtype == np.float32
    assert plus.bind(np.float64(2.0), single).dtype == np.float32
    assert plus.bind(single, 2.0).dtype == np.float32


def test_two_numbers_become_arrays_of_the_selected_backend(plus, here):
    out = plus.bind(1.0, 2.0)
    assert here.adapter.rewrap(out).shape == ()
    assert here.to_host(here.adapter.rewrap(out)) == 3.0


def test_what_is_no_array_is_refused(plus):
    with pytest.raises(TypeError, match=r"xad\.add: expected arrays, got builtins\.str; .*asarray"):
        plus.bind(X, "text")
    with pytest.raises(TypeError, match=r"builtins\.list"):
        plus.bind([1.0], X)


def test_libraries_and_devices_do_not_mix(plus, require_library):
    require_library("array_api_strict")
    first, second = (
        xad.testing.place("array_api_strict", name).array(X) for name in ("CPU_DEVICE", "device1")
    )
    with pytest.raises(LibraryMismatchError, match=r"one library, got numpy float64 .*strict"):
        plus.bind(X, first)
    with pytest.raises(DeviceMismatchError, match=r"xad\.add: .*CPU_DEVICE and device1.*to_device"):
        plus.bind(first, second)
    with pytest.raises(DeviceMismatchError, match="device1 and CPU_DEVICE"):
        xad.grad(lambda x: xad.sum(x + first))(second)


def test_shapes_that_do_not_fit_name_the_operation(plus):
    with pytest.raises(ShapeError, match=r"xad\.add: .*\(2,\) and \(3,\)"):
        plus.bind(X, np.zeros(3))


def test_other_errors_of_a_library_get_a_note():
    def broken(x):
        raise ZeroDivisionError("inside")

    primitive = Primitive("broken", batch=aligned, kernel=lambda adapter: broken)
    for _ in range(2):  # The first call finds the kernel, the second has it.
        with pytest.raises(ZeroDivisionError, match="inside") as caught:
            primitive.bind(X)
        assert any("xad.broken(numpy float64 (2,)" in note for note in caught.value.__notes__)


def test_the_namespace_is_a_wrappers_if_there_is_one():
    assert namespace_of(X).__name__ == "array_api_compat.numpy"
    assert namespace_of(X, xad.Tensor(X)) is xad.Tensor(X).__array_namespace__()


def test_batch_rules_align_ranks_and_shift_axes():
    add = Constant("add", batch=aligned)
    batch = xad.vmap(lambda a, b: box(add.bind(a, b)))
    table, row = np.ones((4, 2, 3)), np.arange(4.0 * 3).reshape(4, 3)
    assert (batch(table, row) == table + row[:, None]).all()
    total = Constant("sum", batch=shifted())
    batch = xad.vmap(lambda a: box(total.bind(a, axis=(1,), keepdims=False)))
    assert batch(table).tolist() == [[3.0, 3.0]] * 4


def test_variables_are_named_like_a_spreadsheet_that_never_ends():
    names = [Variable(i).name for i in range(1000)]
    assert names[:2] == ["a", "b"]
    assert names[25:28] == ["z", "a1", "b1"]
    assert len(set(names)) == 1000
    assert all(name.isidentifier() for name in names)
