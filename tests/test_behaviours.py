"""docs/behaviours.md: what its rows say that JAX, autograd and xad do, they do."""

from __future__ import annotations

import builtins
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import xad

PAGE = Path(__file__).resolve().parent.parent / "docs" / "behaviours.md"
TEXT = PAGE.read_text("utf-8")
LIBRARIES = ("JAX", "autograd", "xad")
NOTHING = "–"


def rows():
    """Of each row of the tables: what it is about, the code, and what each library answers."""
    cells = r" \| ".join([r"(`[^`]+`|–)"] * 3)
    found = re.findall(rf"^\| (.+?) \| `([^`]+)` \| {cells} \|$", TEXT, re.MULTILINE)
    return [
        (about, code, dict(zip(LIBRARIES, answers, strict=True))) for about, code, *answers in found
    ]


def jax_names():
    jax = pytest.importorskip("jax")
    return {
        "grad": jax.grad,
        "np": jax.numpy,
        "norm": jax.numpy.linalg.norm,
        "stop": jax.lax.stop_gradient,
        "recorded": lambda f, x: jax.jit(f),
    }


def autograd_names():
    autograd = pytest.importorskip("autograd")
    numpy = pytest.importorskip("autograd.numpy")
    functions = SimpleNamespace(**{**vars(numpy), "asarray": numpy.array})
    return {
        "grad": autograd.grad,
        "np": functions,
        "norm": numpy.linalg.norm,
        "stop": autograd.tracer.getval,
    }


def xad_names():
    return {
        "grad": xad.grad,
        "np": xad,
        "norm": xad.linalg.vector_norm,
        "stop": xad.stop_gradient,
        "recorded": lambda f, x: xad.make_program(f)(x),
    }


NAMES = dict(zip(LIBRARIES, (jax_names, autograd_names, xad_names), strict=True))


def plain(x):
    """Arrays as numbers and lists, in the tree that they are in."""
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)([plain(value) for value in x])
    if isinstance(x, str) or x is None:
        return x
    return np.asarray(getattr(x, "value", x)).tolist()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("code", "answers"), [row[1:] for row in rows()], ids=[row[0] for row in rows()]
)
def test_what_the_row_says(library, code, answers):
    if answers[library] == NOTHING:
        assert "recorded" not in NAMES[library]()
        return
    names = {**NAMES[library](), "numpy": np, "array": np.asarray}
    exec("\n".join(re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)), names)
    said = answers[library].strip("`")
    with warnings.catch_warnings(), np.errstate(all="ignore"), xad.use_backend("numpy"):
        warnings.simplefilter("ignore")
        if said.endswith("Error"):
            with pytest.raises(getattr(builtins, said)):
                eval(code, names)
            return
        found = plain(eval(code, names))
    expected = eval(said, {"nan": np.nan, "inf": np.inf})
    assert type(found) is type(expected)
    if isinstance(expected, (dict, tuple, str)):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_every_row_is_read():
    assert len(rows()) == len(re.findall(r"^\| .*`", TEXT, re.MULTILINE)) > 35


def test_functions_of_the_page_are_used():
    for name in re.findall(r"^def (\w+)", TEXT, re.MULTILINE):
        assert any(name in code for _, code, _ in rows()), name
