"""The project's own checks: that they find what they should, and that xad passes them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load(name):
    """A script of ci/ as a module, with or without a suffix."""
    loader = SourceFileLoader(f"ci_{Path(name).stem}", str(ROOT / "ci" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


floors = load("floors")
sizes = load("sizes.py")
documented = load("documented.py")


@pytest.fixture
def house(tmp_path):
    """Build a package from ``{"core/tape": "source"}``; packages get an empty ``__init__``."""

    def build(files):
        package = tmp_path / "xad"
        for name, source in files.items():
            path = package / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, "utf-8")
        for folder in {path.parent for path in package.rglob("*.py")} | {package}:
            (folder / "__init__.py").touch()
        return floors.House(tmp_path)

    return build


def faults(house):
    return floors.floor_faults(house) + floors.circles(house)


@pytest.mark.parametrize(
    ("module", "floor"),
    [
        ("xad", 6),
        ("xad.errors", 0),
        ("xad.backend.numpy", 1),
        ("xad.core.tape", 2),
        ("xad.ops", 3),
        ("xad.transforms.grad", 5),
        ("xad.nn.layers.dense", 7),
        ("xad.nowhere", None),
    ],
)
def test_every_module_has_the_floor_of_its_package(module, floor):
    assert floors.floor_of(module) == floor


def test_downward_and_level_imports_pass(house):
    built = house(
        {
            "errors": "",
            "core/levels": "from xad.errors import XadError",
            "core/tape": "from . import levels\nfrom .levels import x\nimport xad.errors",
            "ops/linalg": "from xad.core.tape import Node\nimport numpy as np",
            "nn/dense": "import xad as xp\nfrom xad import matmul\nfrom xad.nn.init import zeros",
            "nn/init": "from xad.errors import ShapeError",
        }
    )
    assert faults(built) == []


@pytest.mark.parametrize(
    "source",
    [
        "from xad.ops import linalg",
        "from xad import array",
        "import xad.ops.linalg",
        "import xad",
        "from .. import array",
        "from ..ops.linalg import svd",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from xad.ops import linalg",
        "import importlib\nlinalg = importlib.import_module('xad.ops.linalg')",
        "try:\n    from xad.ops import linalg\nexcept ImportError:\n    pass",
    ],
)
def test_an_upward_import_is_found(house, source):
    built = house({"core/tape": source, "ops/linalg": "", "array": ""})
    (fault,) = faults(built)
    assert fault.startswith("xad.core.tape:")
    assert "floor 2 imports" in fault


@pytest.mark.parametrize(
    "line",
    [
        "from xad.errors import XadError",
        "import xad.errors",
        "from .. import errors",
        "import importlib; importlib.import_module('xad.errors')",
        "import importlib; importlib.import_module(f'xad.core.{name}')",
    ],
)
def test_a_first_party_import_inside_a_function_is_found(house, line):
    built = house({"core/tape": f"def f(name):\n    {line}\n", "errors": ""})
    (fault,) = faults(built)
    assert fault.startswith("xad.core.tape:2:")
    assert "inside a function" in fault


def test_a_deferred_import_of_an_optional_library_passes(house):
    built = house({"backend/cupy": "def f():\n    import cupy\n    from cupyx import scipy\n"})
    assert faults(built) == []


def test_a_circle_is_found_and_drawn(house):
    built = house(
        {
            "core/a": "from xad.core import b",
            "core/b": "from xad.core.c import x",
            "core/c": "from . import a",
            "core/d": "from xad.core import a",
        }
    )
    assert faults(built) == ["circle: xad.core.a -> xad.core.b -> xad.core.c -> xad.core.a"]


def test_a_circle_through_a_package_face_is_found(house):
    built = house({"core/__init__": "from .a import x", "core/a": "from xad.core import y"})
    assert faults(built) == ["circle: xad.core -> xad.core.a -> xad.core"]


def test_a_typing_only_import_makes_no_circle(house):
    typing_only = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import a\n"
    assert faults(house({"core/a": "from . import b", "core/b": typing_only})) == []


def test_a_name_of_the_face_hides_a_module_of_the_same_name(house):
    built = house(
        {
            "__init__": "from xad.transforms.make import array",
            "transforms/make": "from xad.array.tensor import Tensor",
            "array/tensor": "",
            "nn/fit": "from xad import array",
        }
    )
    assert faults(built) == []


@pytest.mark.parametrize(
    ("module", "source", "fine"),
    [
        ("nn/dense", "from xad.core import tape", False),
        ("nn/dense", "from xad.array import Tensor", False),
        ("nn/dense", "from xad import Tensor, tree", True),
        ("viz/graph", "from xad.core import tape", True),
        ("viz/graph", "from xad.ops import linalg", False),
        ("testing/check", "from xad.transforms import grad", True),
    ],
)
def test_the_top_floor_lives_on_the_public_face(house, module, source, fine):
    files = {"core/tape": "", "ops/linalg": "", "tree": "", "array": "", "transforms/grad": ""}
    found = faults(house({**files, module: source}))
    assert found == [] if fine else "public face" in found[0]


def test_a_module_without_a_floor_is_found(house):
    assert faults(house({"attic": ""})) == ["xad.attic: on no floor; add it to FLOORS in ci/floors"]


def test_an_optional_library_or_a_failure_on_import_is_found(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(floors, "IMPORT_RUNS", 1)
    monkeypatch.setattr(floors, "IMPORT_MOST_RUNS", 2)
    (tmp_path / "xad.py").write_text("import tqdm", "utf-8")
    (tmp_path / "tqdm.py").write_text("", "utf-8")
    (fault,) = floors.import_faults(sys.executable, tmp_path)
    assert fault == "`import xad` loads tqdm, which is optional"
    assert "xad adds" in capsys.readouterr().out

    (tmp_path / "xad.py").write_text("import time; time.sleep(0.2)", "utf-8")
    (fault,) = floors.import_faults(sys.executable, tmp_path)
    assert "more than 60" in fault

    (tmp_path / "xad.py").write_text("raise ValueError('no')", "utf-8")
    (fault,) = floors.import_faults(sys.executable, tmp_path)
    assert "ValueError: no" in fault


def test_long_files_and_functions_are_found(tmp_path):
    body = "    x = 1\n"
    (tmp_path / "fits.py").write_text("def f():\n" + body * 49 + "# end\n" * 350, "utf-8")
    (tmp_path / "function.py").write_text("def f():\n" + body * 50, "utf-8")
    (tmp_path / "lines.py").write_text("# x\n" * 401, "utf-8")
    function, lines = sizes.too_long(tmp_path)
    assert "function.py:1: f has 51 lines" in function
    assert "lines.py: 401 lines" in lines


def test_undocumented_names_are_found():
    class Operation:
        """An operation."""

        def __call__(self):
            pass

    def wrapped():
        """A summary that
        goes on.
        """

    module = ModuleType("xad.example", "An example.")
    module.said = lambda: None
    module.said.__doc__ = "Say it.\n\nAnd more."
    module.silent = lambda: None
    module.wrapped = wrapped
    module.operation = Operation()
    module.pi = 3.14
    module.__all__ = ["operation", "pi", "said", "silent", "there", "wrapped"]
    assert documented.faults_of(module) == [
        "xad.example.operation: has no docstring",
        "xad.example.silent: has no docstring",
        "xad.example.there: in __all__ but not there",
        "xad.example.wrapped: has a docstring without a summary on one line",
    ]


def test_xad_keeps_to_its_floors_and_sizes():
    assert faults(floors.House(ROOT)) == []
    assert sizes.too_long(ROOT / "xad") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are bash's")
def test_a_backend_that_there_is_not_is_refused_at_once(tmp_path):
    for python in (sys.executable, ""):
        done = subprocess.run(
            ["bash", str(ROOT / "ci" / "test"), "--version"],
            env={
                **os.environ,
                "XAD_PYTHON": python,
                "XAD_BACKEND": "nope",
                "XAD_VENV": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "XAD_BACKEND: expected numpy, array_api_strict, torch" in done.stderr
        assert "got nope" in done.stderr
    assert list(tmp_path.iterdir()) == []
