"""Values of every operation: against NumPy and SciPy, in each data type, from any memory layout."""

import numpy as np
import pytest
from calls import KINDS, Call, arrays_of, assert_same, calls

import xad
from xad.testing.database import function_of, op_database
from xad.testing.opinfo import Maker

EVERY = pytest.mark.parametrize("info", op_database.values(), ids=lambda info: info.name)
DTYPES = [
    (info, dtype) for info in op_database.values() for kind in info.kinds for dtype in KINDS[kind]
]
EVERY_DTYPE = pytest.mark.parametrize(
    ("info", "dtype"), DTYPES, ids=[f"{info.name}-{dtype}" for info, dtype in DTYPES]
)


def tolerance(info, dtype):
    coarse = dtype in ("float32", "complex64")
    usual = 2e-4 if coarse else 1e-10
    return max(usual, info.tolerance if info.tolerance > 1e-6 else 0.0)


@EVERY_DTYPE
def test_value_and_dtype_are_those_of_the_reference(info, dtype, here):
    dtype = here.dtype_name(dtype)
    if info.reference is None:
        assert info.note, "an entry without a reference says why in its note"
    for call in calls(info, here, dtype):
        results = call.outputs(*call.operands)
        assert results, f"{call!r} returns no array"
        if info.reference is None:
            continue
        with np.errstate(all="ignore"):
            reference = info.as_tested(info.reference)
            expected = reference(*call.sample.arguments, **call.sample.keywords)
        expected = [np.asarray(x) for x in as_results(expected)]
        assert_same(results, expected, tolerance(info, dtype), call)
        for got, wanted in zip(results, expected, strict=True):
            host = here.to_host(got)
            assert host.shape == wanted.shape, repr(call)
            if host.dtype.kind in "fc":
                assert host.dtype.name == here.dtype_name(wanted.dtype.name), repr(call)
            else:
                assert kind_of(host) == kind_of(wanted), repr(call)


def as_results(reference):
    """A tuple or list of arrays is several results; anything else one."""
    if isinstance(reference, (tuple, list)):
        return [x for part in reference for x in as_results(part)]
    return [reference]


def kind_of(array):
    return "i" if array.dtype.kind == "u" else array.dtype.kind


@EVERY
def test_raw_arrays_and_tensors_give_the_same_tensor(info, here):
    dtype = KINDS[info.kinds[0]][0]
    for call in calls(info, here, dtype):
        from_raw = arrays_of(call(*call.operands))
        from_tensors = arrays_of(call(*[xad.Tensor(x) for x in call.operands]))
        assert_same(from_tensors, from_raw, 0.0, call)
        for result in (*from_raw, *from_tensors):
            assert isinstance(result, xad.Tensor), repr(call)
            assert not result.requires_grad, repr(call)


@EVERY
def test_no_operand_is_changed(info, here):
    for call in calls(info, here, KINDS[info.kinds[0]][0]):
        call.outputs(*call.operands)
        assert_same(call.operands, [here.array(x) for x in call.hosts], 0.0, call)


@EVERY
def test_memory_layout_does_not_matter(info, here):
    for call in calls(info, here, KINDS[info.kinds[0]][0]):
        expected = call.outputs(*call.operands)
        for layout in (transposed, strided, reversed_twice):
            moved = [layout(here, x) for x in call.hosts]
            assert_same(call.outputs(*moved), expected, here.tolerance, (call, layout.__name__))


def transposed(here, host):
    axes = tuple(reversed(range(host.ndim)))
    return here.xp.permute_dims(here.array(host.T), axes)


def strided(here, host):
    if host.ndim == 0:
        return here.array(host)
    return here.array(np.repeat(host, 2, axis=-1))[..., ::2]


def reversed_twice(here, host):
    if host.ndim == 0:
        return here.array(host)
    return here.xp.flip(here.array(np.flip(host)))


ERRORS = [
    (info, i) for info in op_database.values() for i in range(len(list(info.errors(Maker()))))
]


@pytest.mark.parametrize(("info", "i"), ERRORS, ids=[f"{info.name}-{i}" for info, i in ERRORS])
def test_wrong_input_raises_and_says_why(info, i, here):
    case = list(info.errors(Maker(here.precision)))[i]
    call = Call(info, case, here)
    call.function = function_of(info)
    if case.of_values and not here.adapter.at_hand(here.array(0.0)):
        pytest.skip("values are not looked at here: that would wait for them")
    with pytest.raises(case.exception, match=case.match):
        call(*call.operands)


@EVERY
def test_samples_repeat_and_are_documented(info):
    first, second = (list(info.samples(Maker())) for _ in range(2))
    assert [repr(x) for x in first] == [repr(x) for x in second]
    function = function_of(info)
    assert function.__name__ == info.name.rpartition(".")[2]
    assert function.__doc__
