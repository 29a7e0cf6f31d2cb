"""Creation functions, data types by name, moves, and the namespace of an array."""

import numpy as np
import pytest

import xad
from xad.backend import selected, use_backend
from xad.errors import BackendError, DTypeError, LibraryMismatchError
from xad.namespace import CHAPTERS
from xad.ops.dtypes import DTYPE_NAMES, dtypes_of
from xad.ops.taking import pick
from xad.ops.transfer import to, to_device

MADE = {
    "arange": (lambda f: f(1, 7, 2), np.arange(1, 7, 2)),
    "arange to": (lambda f: f(3), np.arange(3)),
    "arange of floats": (lambda f: f(0.0, 1.0, 0.25), np.arange(0.0, 1.0, 0.25)),
    "arange of a numpy number": (lambda f: f(np.int64(3)), np.arange(3)),
    "eye": (lambda f: f(2, 3, k=1), np.eye(2, 3, k=1)),
    "full": (lambda f: f((2, 2), 3), np.full((2, 2), 3)),
    "full of one": (lambda f: f(2, 0.5), np.full(2, 0.5)),
    "linspace": (lambda f: f(0, 1, 5), np.linspace(0, 1, 5)),
    "linspace without end": (lambda f: f(0, 1, 4, endpoint=False), np.linspace(0, 1, 4, False)),
    "ones": (lambda f: f((2, 3)), np.ones((2, 3))),
    "zeros": (lambda f: f([2, 3]), np.zeros((2, 3))),
}


@pytest.mark.parametrize("name", MADE)
def test_values_are_numpys_on_the_selected_device(name, here, close):
    make, expected = MADE[name]
    got = make(getattr(xad, name.partition(" ")[0]))
    assert isinstance(got, xad.Tensor)
    assert got.device == selected().device
    assert got.shape == expected.shape
    close(got, expected)


@pytest.mark.parametrize("name", MADE)
def test_dtype_by_name_and_by_object(name, here):
    make, _ = MADE[name]
    function = getattr(xad, name.partition(" ")[0])
    for dtype in ("float32", here.xp.float32, np.float32, np.dtype("float32")):
        got = make(lambda *a, dtype=dtype, **k: function(*a, dtype=dtype, **k))
        assert got.dtype == here.xp.float32


def test_pythons_types_mean_the_librarys_defaults(here):
    assert xad.zeros(2, dtype=float).dtype == here.adapter.default_dtype(device=here.device)
    assert xad.zeros(2, dtype=bool).dtype == here.xp.bool


def test_empty_has_the_shape(here):
    assert xad.empty((2, 0), dtype="float32").shape == (2, 0)
    assert xad.empty_like(here.array(np.ones((2, 3)))).shape == (2, 3)


@pytest.mark.parametrize("dtype", ["float31", "sum", np.datetime64, 7])
def test_unknown_dtypes(dtype):
    with pytest.raises(DTypeError, match=r"xad\.zeros: expected a data type of"):
        xad.zeros(2, dtype=dtype)


def test_unknown_device():
    with pytest.raises(BackendError, match="has no device 'moon'"):
        xad.zeros(2, device="moon")


def test_arange_of_an_array():
    with pytest.raises(TypeError, match=r"expected Python numbers, got Tensor; convert it with"):
        xad.arange(xad.asarray(3))


def test_likes_stay_in_library_and_device(strict_device):
    x = strict_device.array(np.ones((2, 3)))
    for made in (xad.zeros_like(x), xad.full_like(x, 2), xad.ones_like(xad.asarray(x))):
        assert made.device == strict_device.device
        assert made.dtype == x.dtype
    namespace = xad.asarray(x).__array_namespace__()
    assert type(namespace.zeros(2).value) is type(x)
    assert namespace.zeros(2, device="device2").device != strict_device.device
    assert type(namespace.asarray([1.0, 2.0]).value) is type(x)


def test_fill_values_are_differentiated(here, close):
    x = here.array(np.ones((2, 3)))
    fill = here.array(np.asarray(2.0))
    close(xad.grad(lambda v: xad.sum(xad.full_like(x, v) * x))(fill), 6.0)
    close(xad.grad(lambda v: xad.sum(xad.full((2, 2), v)))(fill), 4.0)


def test_linspace_is_differentiated_by_its_ends(here, close):
    ends = [here.array(np.asarray(v)) for v in (1.0, 3.0)]
    weights = xad.asarray(here.array(np.asarray([1.0, 2.0, 3.0])))
    f = lambda a, b: xad.sum(xad.linspace(a, b, 3) * weights)  # noqa: E731
    left, right = xad.grad(f, argnums=(0, 1))(*ends)
    close(left, 2.0)
    close(right, 4.0)
    close(xad.linspace(ends[0], 3.0, 3), [1.0, 2.0, 3.0])


def plain(*arguments, **keywords):
    return xad.asarray(*arguments, **keywords).value


def test_asarray_keeps_numpy_arrays_in_numpy_and_copies_them_elsewhere(strict_device):
    host = np.ones(3, dtype=np.float32)
    assert plain(host) is host or selected().adapter.name != "numpy"
    with use_backend("array_api_strict", "device1"):
        made = plain(host, dtype="float64")
        assert made.device == strict_device.device
        assert made.dtype == strict_device.xp.float64
        with pytest.raises(ValueError, match="copy=False, got one of NumPy"):
            plain(host, copy=False)
    x = strict_device.array(host)
    assert plain(x) is x
    assert plain(x, device="device2").device != x.device


def test_asarray_copies_when_told(here):
    x = here.array(np.ones(3))
    made = plain(x, copy=True)
    assert made is not x
    assert plain(x, dtype="float32").dtype == here.xp.float32


@pytest.mark.filterwarnings("ignore:Data type alias:DeprecationWarning")  # within JAX
@pytest.mark.parametrize("wrong", [["a"], object(), [[1.0], [1.0, 2.0]], {"a": 1}])
def test_asarray_of_no_numbers(wrong, here):
    with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
        plain(wrong)
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
    assert "xad.asarray" in text


def test_lists_of_tensors_are_differentiated(here, close):
    namespace = xad.asarray(here.array(np.ones(1))).__array_namespace__()
    f = lambda x: xad.sum(namespace.asarray([[x, 2.0 * x], [1.0, x]]) ** 2)  # noqa: E731
    close(xad.grad(f)(here.array(np.asarray(3.0))), 36.0)


def test_from_dlpack(here):
    x = here.array(np.arange(3.0))
    # Strict's second device has no memory to lend, Dask's arrays no memory at all.
    got = x if here.adapter.name in ("array_api_strict", "dask") else xad.from_dlpack(x)
    assert here.to_host(got).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(TypeError, match="expected an object with __dlpack__, got list"):
        xad.from_dlpack([1.0])


def test_moves_carry_gradients_back(strict_device, close):
    x = strict_device.array(np.ones(3))
    there = to_device(x, "device2")
    assert there.device != x.device
    gradient = xad.grad(lambda x: xad.sum(to_device(x, "device2") * 2))(x)
    assert gradient.device == x.device
    across = xad.grad(lambda x: xad.sum(to(x, "numpy") ** 2))(x)
    assert type(across) is type(x)
    assert across.device == x.device
    np.testing.assert_array_equal(strict_device.to_host(across), [2.0, 2.0, 2.0])
    assert to(x, "numpy").device == "cpu"


def test_moves_under_jvp_and_vmap(strict_device):
    x = strict_device.array(np.ones((2, 3)))
    double = lambda row: to(row, "numpy") * 2  # noqa: E731
    assert strict_device.to_host(xad.vmap(double)(x)).tolist() == [[2.0] * 3] * 2
    _, pushed = xad.jvp(double, (x,), (x,))
    assert strict_device.to_host(pushed).tolist() == [[2.0] * 3] * 2


def test_a_move_that_changes_nothing(here):
    x = xad.asarray(here.array(np.ones(2)))
    assert to_device(x, x.device) is x


def test_pick_is_one_element_of_each_line(here, close):
    x = np.random.default_rng(0).normal(size=(4, 3))
    labels = np.asarray([2, 0, -1, 1])
    close(pick(here.array(x), here.array(labels)), x[np.arange(4), labels])
    gradient = xad.grad(lambda x: xad.sum(pick(x, here.array(labels)) * 2))(here.array(x))
    expected = np.zeros((4, 3))
    expected[np.arange(4), labels] = 2
    close(gradient, expected)
    many = xad.vmap(pick, (None, 0))(here.array(x), here.array(np.stack([labels, labels[::-1]])))
    close(many, np.stack([x[np.arange(4), labels], x[np.arange(4), labels[::-1]]]))
    if here.adapter.name not in ("jax", "dask") and not str(here.device).startswith("cuda"):
        with pytest.raises(IndexError, match="from -3 to 2, got others"):
            pick(here.array(x), here.array(np.asarray([0, 3, 0, 0])))


def test_questions_about_dtypes(here):
    x = xad.asarray(here.array(np.ones(2, np.float32)))
    assert xad.finfo(x).bits == xad.finfo(here.xp.float32).bits == 32
    assert xad.iinfo(here.xp.int8).max == 127
    assert xad.iinfo("int16").bits == 16
    assert xad.isdtype(x.dtype, "real floating")
    assert xad.isdtype("int32", ("bool", "integral"))
    assert not xad.isdtype(here.xp.bool, "numeric")
    assert xad.can_cast(x, "float64")
    assert not xad.can_cast(here.xp.float32, here.xp.int32)
    assert xad.result_type(x, 2.0) == here.xp.float32
    assert xad.result_type(x, here.xp.float64) == here.xp.float64
    assert xad.result_type("float32", x) == here.xp.float32
    with pytest.raises(ValueError, match="at least one array or data type"):
        xad.result_type(1.0)


def test_the_namespace_is_complete(here):
    namespace = xad.asarray(here.array(np.ones(2))).__array_namespace__()
    for chapter in CHAPTERS:
        for name in chapter.__all__:
            assert callable(getattr(namespace, name)), name
    for name in DTYPE_NAMES[:13]:
        assert getattr(namespace, name) is dtypes_of(here.adapter)[name]
    assert (namespace.newaxis, namespace.inf) == (None, float("inf"))
    assert callable(namespace.linalg.outer)
    assert callable(namespace.special.erf)
    assert hash(namespace) == hash(xad.zeros_like(here.array(np.ones(1))).__array_namespace__())
    assert here.adapter.name in namespace.__name__
    assert namespace.__array_namespace_info__().dtypes(kind="real floating")


def test_names_that_there_are_not(here):
    namespace = xad.asarray(here.array(np.ones(2))).__array_namespace__()
    with pytest.raises(AttributeError, match=r"neither xad nor .* has 'nothing_like_this'"):
        namespace.nothing_like_this  # noqa: B018


def test_libraries_do_not_mix(strict_device):
    with pytest.raises(LibraryMismatchError, match="expected arrays of one library"):
        xad.concat([np.ones(2), strict_device.array(np.ones(2))])
