"""The op database is complete: what is public and computes on arrays has an entry."""

import pkgutil
from importlib import import_module

import pytest

import xad.ops
from xad.testing.database import function_of, op_database
from xad.testing.opinfo import Maker

# What stands in a chapter and is no operation on arrays, and why.
NOT_OPERATIONS = {
    "arange": "makes an array from numbers",
    "broadcast_shapes": "computes on shapes",
    "at": "names places in an array; tests/ops/test_updating.py",
    "can_cast": "answers a question about data types",
    "empty": "has no values to compare",
    "empty_like": "has no values to compare",
    "eye": "makes an array from numbers",
    "finfo": "answers a question about a data type",
    "from_dlpack": "takes an array over from another library",
    "full": "makes an array from numbers",
    "iinfo": "answers a question about a data type",
    "isdtype": "answers a question about a data type",
    "linspace": "makes an array from numbers",
    "ones": "makes an array from numbers",
    "stop_gradient": "has a derivative that is not the one of its values, by intention",
    "result_type": "answers a question about data types",
    "zeros": "makes an array from numbers",
    "fft.fftfreq": "makes an array from numbers",
    "fft.rfftfreq": "makes an array from numbers",
}
# Chapters in modules of their own under xad begin their files' names with these.
EXTENSIONS = ("fft", "linalg", "special")
# Files of xad.ops that are no chapters.
TOOLS = {"arguments", "declare"}


def public_names():
    """Every name in the ``__all__`` of a chapter, as users spell it after ``xad.``."""
    for module in pkgutil.iter_modules(xad.ops.__path__):
        if module.name in TOOLS:
            continue
        chapter = import_module(f"xad.ops.{module.name}")
        extension = module.name.partition("_")[0]
        prefix = f"{extension}." if extension in EXTENSIONS else ""
        for name in getattr(chapter, "__all__", ()):
            yield prefix + name, getattr(chapter, name)


PUBLIC = dict(public_names())


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - NOT_OPERATIONS.keys()))
def test_every_public_op_has_an_entry(name):
    if name not in op_database:
        pytest.fail(
            f"xad.{name} has no entry in xad/testing/database: add one, or say in NOT_OPERATIONS "
            "why it needs none"
        )


@pytest.mark.parametrize("info", op_database.values(), ids=lambda info: info.name)
def test_every_entry_names_a_public_function(info):
    assert PUBLIC.get(info.name) is function_of(info)


def test_the_list_of_exceptions_is_not_stale():
    assert not NOT_OPERATIONS.keys() & op_database.keys()
    chapters = {name.rpartition(".")[0] for name in PUBLIC}
    stale = NOT_OPERATIONS.keys() - PUBLIC.keys()
    assert not {name for name in stale if name.rpartition(".")[0] in chapters}


@pytest.mark.parametrize("info", op_database.values(), ids=lambda info: info.name)
def test_samples_exist_and_kinds_are_known(info):
    assert set(info.kinds) <= set("fcib")
    assert set(info.differentiable) <= set(info.kinds) & set("fc")
    assert list(info.samples(Maker()))
