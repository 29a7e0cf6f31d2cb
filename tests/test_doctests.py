"""The examples in the docstrings of public names give what they show."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module

import pytest

import xad

MODULES = (
    "xad",
    "xad.backend",
    "xad.errors",
    "xad.fft",
    "xad.linalg",
    "xad.nn",
    "xad.nn.init",
    "xad.optimize",
    "xad.special",
    "xad.testing",
    "xad.tree",
    "xad.viz",
)
NEEDS_SCIPY = "xad.special."
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def members(name, kind):
    """The methods and properties of a class, inherited ones too, that are xad's own."""
    for attribute in dir(kind):
        value = inspect.getattr_static(kind, attribute)
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        if (getattr(function, "__module__", None) or "").partition(".")[0] == "xad":
            yield f"{name}.{attribute}", function


def documented():
    """Each public name, and each method of a public class, with its docstring."""
    for home in MODULES:
        module = import_module(home)
        yield home, module.__doc__
        for public in module.__all__:
            value, name = getattr(module, public), f"{home}.{public}"
            if inspect.ismodule(value):
                continue  # In MODULES; see the test below.
            yield name, value.__doc__
            if inspect.isclass(value):
                for member, function in members(name, value):
                    yield member, function.__doc__


DOCUMENTED = dict(documented())
EXAMPLES = {name: text for name, text in DOCUMENTED.items() if text and ">>>" in text}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, require_library, tmp_path, monkeypatch):
    if name.startswith(NEEDS_SCIPY):
        require_library("scipy")
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, None, None)
    report = []
    with xad.use_backend("numpy"):
        result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert result.attempted
    assert not result.failed, "".join(report)


def test_no_public_module_is_forgotten():
    found = {
        f"{home}.{public}"
        for home in MODULES
        for public in import_module(home).__all__
        if inspect.ismodule(getattr(import_module(home), public))
    }
    assert found <= set(MODULES)


def test_examples_of_every_sort_are_found():
    sorts = {"xad", "xad.sin", "xad.special.expit", "xad.Tensor.to", "xad.nn.Dense", "xad.no_grad"}
    assert sorts <= EXAMPLES.keys()
    functions = [name for name, text in EXAMPLES.items() if name.count(".") == 1]
    assert len(functions) > 100
