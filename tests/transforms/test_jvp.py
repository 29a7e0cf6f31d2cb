"""jvp: tangents in, tangents out."""

import numpy as np
import pytest

import xad
from xad.errors import ShapeError, TreeError


def test_value_and_tangent(here, close):
    x, t = here.array([1.0, 2.0]), here.array([10.0, 100.0])
    value, tangent = xad.jvp(lambda x: x * x, (x,), (t,))
    close(value, [1.0, 4.0])
    close(tangent, [20.0, 400.0])


def test_several_primals_of_which_some_do_not_move(here, close):
    a, b = here.array([1.0, 2.0]), here.array([3.0, 4.0])
    ones = here.array([1.0, 1.0])
    close(xad.jvp(lambda a, b: a * b, (a, b), (ones, None))[1], [3.0, 4.0])
    close(xad.jvp(lambda a, b: a * b, (a, b), (ones, ones))[1], [4.0, 6.0])


def test_trees_of_primals_and_results(here, close):
    p = {"w": here.array([1.0, 2.0]), "b": [here.array(3.0)]}
    t = {"w": here.array([1.0, 0.0]), "b": [2.0]}
    value, tangent = xad.jvp(lambda p: (p["w"] * p["b"][0], {"b": p["b"][0]}), (p,), (t,))
    close(value[0], [3.0, 6.0])
    close(tangent[0], [5.0, 4.0])
    close(tangent[1]["b"], 2.0)


def test_auxiliary_results_lose_their_tangent(here, close):
    x = here.array([1.0, 2.0])
    _, _, aux = xad.jvp(lambda x: (x, {"y": x * 2, "s": "text"}), (x,), (x,), has_aux=True)
    assert type(aux["y"]) is type(x)
    close(aux["y"], [2.0, 4.0])
    assert aux["s"] == "text"


def test_a_result_that_does_not_move_has_a_zero_tangent(everywhere):
    x = everywhere.array([1.0, 2.0], "float32")
    c = everywhere.array([[1.0, 2.0]])
    _, tangent = xad.jvp(lambda x: c, (x,), (x,))
    assert (tuple(tangent.shape), tangent.dtype) == ((1, 2), c.dtype)
    assert everywhere.adapter.device_of(tangent) == everywhere.device
    assert not everywhere.to_host(tangent).any()


def test_broadcasting_and_promotion_reach_the_tangent(here, close):
    a, b = here.array([[1.0], [2.0]], "float32"), here.array([3.0, 4.0])
    value, tangent = xad.jvp(lambda a: a + b, (a,), (a,))
    assert (tuple(tangent.shape), tangent.dtype) == (tuple(value.shape), value.dtype)
    close(tangent, [[1.0, 1.0], [2.0, 2.0]])


def test_type_in_type_out(here):
    raw = here.array([1.0, 2.0])
    for x in (raw, xad.Tensor(raw)):
        results = xad.jvp(lambda x: x * x, (x,), (x,))
        assert [type(y) for y in results] == [type(x)] * 2


def test_errors_name_what_does_not_fit(here):
    x = here.array([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"tangent of shape \(2,\), got \(1,\)"):
        xad.jvp(lambda x: x, (x,), (here.array([1.0]),))
    with pytest.raises(TreeError, match="one tangent for each of 1 primals, got 2"):
        xad.jvp(lambda x: x, (x,), (x, x))
    with pytest.raises(TreeError, match="trees differ"):
        xad.jvp(lambda p: p["a"], ({"a": x},), ({"b": x},))
    with pytest.raises(TypeError, match="expected floating arrays"):
        xad.jvp(lambda x: x, (here.array([1, 2]),), (x,))


def test_forward_and_reverse_mode_agree_on_a_longer_function(here, close):
    random = np.random.default_rng(0)
    x = here.array(random.normal(size=(3, 4)))
    t = here.array(random.normal(size=(3, 4)))

    def f(x):
        return xad.sum(xad.sin(xad.matmul(x, xad.permute_dims(x, (1, 0)))) * x[:, :3])

    gradient = here.to_host(xad.grad(f)(x))
    close(xad.jvp(f, (x,), (t,))[1], np.sum(gradient * here.to_host(t)))


def test_one_of_several_outputs_without_axes_is_an_array(here, close):
    x = here.array([0.5, 2.0])
    _, tangent = xad.jvp(lambda x: xad.unstack(x)[1] * 1j, (x,), (here.array([1.0, 3.0]),))
    close(tangent, 3j)
