"""ci/conformance without the suite: what it expects to fail, and when it says it cannot run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COULD_NOT_RUN = 3


@pytest.fixture
def conformance(tmp_path, monkeypatch):
    """The script as a module, with a cache of its own and nothing missing."""
    spec = importlib.util.spec_from_file_location("ci_conformance", ROOT / "ci" / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(module, "NEEDED", {})
    monkeypatch.delenv("ARRAY_API_TESTS", raising=False)
    return module


def report(**outcomes):
    tests = [{"nodeid": name, "outcome": outcome} for name, outcome in outcomes.items()]
    failed = any(outcome in ("failed", "error") for outcome in outcomes.values())
    return {"tests": tests, "exitcode": int(failed)}


@pytest.mark.parametrize("backend", ["numpy", "array_api_strict", "torch"])
@pytest.mark.parametrize("tracked", [False, True])
def test_every_expected_failure_has_a_reason(conformance, backend, tracked):
    known = conformance.expected_for(backend, tracked)
    assert known
    assert all(len(reason) > 5 for reason in known.values())
    if tracked:
        assert any("dlpack" in test for test in known)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("array_api_tests/test_fft.py::test_fft", "expected `test  # reason`"),
        ("array_api_tests/test_fft.py::test_fft  # ", "expected `test  # reason`"),
        ("test_fft.py::test_fft  # no such path", "expected `test  # reason`"),
        ("array_api_tests/a.py::test  # why\narray_api_tests/a.py::test  # again", "named twice"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(conformance, tmp_path, line, fault):
    path = tmp_path / "numpy.txt"
    path.write_text(f"# a comment\n\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=rf"numpy.txt:[34]: {fault}"):
        conformance.expected(path)


def test_it_says_that_it_could_not_run_on_a_folder_without_the_suite(
    conformance, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("ARRAY_API_TESTS", str(tmp_path))
    assert conformance.main([]) == COULD_NOT_RUN
    assert "could not run: ARRAY_API_TESTS names" in capsys.readouterr().err


def test_it_says_that_it_could_not_run_where_nothing_can_be_cloned(
    conformance, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(conformance, "REPOSITORY", str(tmp_path / "nowhere"))
    assert conformance.main([]) == COULD_NOT_RUN
    assert "cannot be cloned" in capsys.readouterr().err
    assert list((tmp_path / "cache").iterdir()) == []


def test_it_says_which_package_is_missing(conformance, monkeypatch, capsys):
    monkeypatch.setattr(conformance, "NEEDED", {"no_such_module_here": "the-package"})
    assert conformance.main([]) == COULD_NOT_RUN
    assert "pip install" in capsys.readouterr().err


def test_the_command_ends_with_the_same_status(tmp_path):
    environment = {**os.environ, "XAD_PYTHON": sys.executable, "ARRAY_API_TESTS": str(tmp_path)}
    command = [str(ROOT / "ci" / "conformance"), "--backend", "numpy"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == COULD_NOT_RUN
    assert "could not run" in done.stderr


@pytest.mark.parametrize(
    ("outcomes", "good"),
    [
        ({"a": "passed", "b": "xfailed", "c": "skipped"}, True),
        ({"a": "passed", "b": "xpassed"}, True),
        ({"a": "passed", "b": "failed"}, False),
        ({"a": "error"}, False),
        ({}, False),
    ],
)
def test_the_verdict_is_that_of_the_tests(conformance, outcomes, good, capsys):
    assert conformance.verdict(report(**outcomes), {"b": "the reason"}) is good
    said = capsys.readouterr().out
    assert ("the reason" in said) == ("xpassed" in outcomes.values())


def test_the_suite_sees_the_module_and_the_backend_of_its_mode(conformance, tmp_path, monkeypatch):
    monkeypatch.setenv("ARRAY_API_TESTS_VERSION", "2021.12")
    plain = conformance.environment_for("torch", "plain", tmp_path)
    nested = conformance.environment_for("numpy", "nested", tmp_path)
    assert plain["ARRAY_API_TESTS_MODULE"] == "xad"
    assert plain["XAD_BACKEND"] == "torch"
    assert "ARRAY_API_TESTS_VERSION" not in plain
    assert nested["ARRAY_API_TESTS_MODULE"] == "conformance_tracked"
    assert nested["XAD_CONFORMANCE_MODE"] == "nested"
    recorded = conformance.environment_for("numpy", "recorded", tmp_path)
    assert recorded["ARRAY_API_TESTS_MODULE"] == "conformance_recorded"
    assert recorded["ARRAY_API_TESTS_SKIP_DTYPES"] == plain["ARRAY_API_TESTS_SKIP_DTYPES"][:0]


BREAK_A_RULE = """
import conformance_tracked as xp
from xad.ops.declare import primitives

x = xp.ones((2, 3))
assert x.requires_grad
assert xp.permute_dims(x, (1, 0)).shape == (3, 2)
assert xp.called["permute_dims"] >= 1, xp.called
y = x + 0
y *= 2
assert xp.called["multiply"] >= 1, xp.called
primitives["permute_dims"].transpose = lambda xp, g, like, axes: g
try:
    x.mT
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("mode", ["tracked", "nested"])
def test_the_tracked_namespace_calls_rules_and_finds_a_wrong_one(mode):
    paths = [str(ROOT), str(ROOT / "ci")]
    environment = {
        **os.environ,
        "XAD_CONFORMANCE_MODE": mode,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    command = [sys.executable, "-c", BREAK_A_RULE]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "expected a cotangent of the operand's shape (2, 3)" in done.stdout


RECORD_EVERYTHING = """
import conformance_recorded as xp
import xad
from xad.errors import ConcreteValueError
from xad.ops.declare import primitives

x = xp.ones((2, 3))
assert xp.permute_dims(x, (1, 0)).shape == (3, 2)
assert (x + x)[0, slice(0, xp.asarray(2))].shape == (2,)
x[0, :] = 5
x *= 2
assert float(xp.sum(x)) == 36
assert xp.isdtype(x.dtype, "real floating")
assert xp.finfo(xp.float32).bits == 32
assert xp.nonzero(x)[0].shape == (6,)
assert xp.repeat(x, xp.asarray([1, 2]), axis=0).shape == (3, 3)
assert x[x > 0].shape == (6,)
for name in ("ones", "permute_dims", "__add__", "__setitem__", "__imul__", "sum"):
    assert xp.recorded[name] >= 1, (name, xp.recorded)
assert set(xp.refused) == {"nonzero", "repeat", "__getitem__"}, xp.refused
try:
    xp.by_program(float, "sum")(xp.asarray(1.0))
except ConcreteValueError:
    print("a refusal where none is due is passed on")
right = xp.optimise
xp.optimise = lambda listing: right(listing).with_instructions(
    [i._replace(primitive=primitives["cos"]) if i.primitive.name == "sin" else i
     for i in listing.instructions]
)
try:
    xp.sin(x)
except AssertionError as error:
    print("sin" in str(error))
"""


def test_the_recorded_namespace_runs_programs_and_finds_a_wrong_one():
    paths = [str(ROOT), str(ROOT / "ci")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "XAD_BACKEND": "numpy"}
    environment.pop("XAD_DEVICE", None)  # another library's
    command = [sys.executable, "-c", RECORD_EVERYTHING]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["a refusal where none is due is passed on", "True", ""]
