"""The benchmark runner runs, and writes what it should. Nothing here looks at a time."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.contest import Case, Contestant, agree, hold  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmarks") / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "2", "--json", str(path)]
    done = subprocess.run(
        [*command, "--backend", "numpy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text()), path.with_suffix(".md").read_text()


def test_json_holds_every_workload_with_figures_that_can_be(files):
    _, facts, _ = files
    assert {result["workload"] for result in facts["results"]} == {
        "overhead", "mlp", "depth", "jacobian", "hvp", "import", "memory",
    }  # fmt: skip
    assert facts["threads"] == 1
    assert facts["quick"] is True
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["machine"]["cores"] > 0
    for result in facts["results"]:
        assert next(iter(result["contestants"])).partition(":")[0] == "xad"
        for row in result["contestants"].values():
            assert 0 < row["lower_quartile"] <= row["median"] <= row["upper_quartile"]
            assert row["xad_ratio"]["median"] > 0


def test_first_contestant_is_measured_against_itself(files):
    for result in files[1]["results"]:
        first = next(iter(result["contestants"].values()))
        assert first["xad_ratio"] == {"median": 1, "lower_quartile": 1, "upper_quartile": 1}


def test_table_has_a_row_for_each_contestant_and_says_what_was_not_measured(files):
    printed, facts, table = files
    for result in facts["results"]:
        assert f"### {result['workload']}: {result['case']}" in table
        for name in result["contestants"]:
            assert f"| {name} |" in table
            assert f"| {name} |" in printed
    assert "not measured" in table
    assert "the figures mean nothing" in table


def run_main(before, arguments):
    script = f"{before}\nfrom benchmarks.__main__ import main\nmain({arguments!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_libraries_that_are_absent_are_named_and_left_out(tmp_path):
    blocked = "import sys"
    for module in ("autograd", "autograd.numpy", "torch", "jax", "mygrad"):
        blocked += f"; sys.modules[{module!r}] = None"
    path = tmp_path / "results.json"
    options = ["--backend", "numpy", "--quick", "--rounds", "1", "--json", str(path)]
    run_main(blocked, ["overhead", "mlp", *options])
    facts = json.loads(path.read_text())
    for library in ("autograd", "torch", "jax", "mygrad"):
        assert facts["versions"][library].startswith("absent")
    contestants = [list(result["contestants"]) for result in facts["results"]]
    assert contestants == [
        ["xad", "xad imperative", "NumPy by hand"],
        ["xad", "xad imperative", "NumPy by hand"],
        ["xad", "xad, written out", "NumPy by hand"],
    ]


def test_starts_anew_when_numpy_is_loaded_before_threads_are_settled(tmp_path):
    path = tmp_path / "results.json"
    before = "import os, numpy; os.environ.pop('OPENBLAS_NUM_THREADS', None)"
    options = ["--backend", "numpy", "--quick", "--rounds", "1", "--json", str(path)]
    run_main(before, ["import", *options])
    assert json.loads(path.read_text())["results"][0]["workload"] == "import"


def test_unknown_workload_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "unknown workload nothing; choose from overhead" in done.stderr


def test_contestants_that_disagree_are_not_timed():
    timed = []

    def contestant(name, answer):
        return Contestant(name, lambda: timed.append(name), lambda: [np.asarray(answer)])

    case = Case("sum", [contestant("one", 1.0), contestant("two", 1.0 + 1e-6)])
    with pytest.raises(AssertionError, match="sum: two: result 0"):
        hold("test", case, 2, 0.001)
    assert timed == []


def test_contestants_with_more_results_are_not_equal():
    short = Contestant("short", list, lambda: [np.asarray(1.0)])
    long = Contestant("long", list, lambda: [np.asarray(1.0), np.asarray(2.0)])
    with pytest.raises(AssertionError, match="long: 2 results"):
        agree(Case("count", [short, long]))


def test_memory_is_given_in_its_own_unit(files):
    for result in files[1]["results"]:
        measured = "most memory" in result["case"]
        assert result["unit"].startswith("MiB" if measured else "microseconds")
        if measured:
            assert result["workload"] == "memory"
            for row in result["contestants"].values():
                assert 0.5 < row["median"] < 1000


def test_checkpoints_need_less_memory(files):
    (result,) = [r for r in files[1]["results"] if "most memory of value" in r["case"]]
    assert result["contestants"]["xad: everything kept"]["xad_ratio"]["median"] < 0.8


def test_figures_in_other_units_are_not_scaled():
    case = Case("memory", [Contestant("a", run=list, clock=lambda: 3.0)], unit="MiB")
    result = hold("test", case, 2, 1.0)
    assert result["unit"] == "MiB"
    assert result["contestants"]["a"]["median"] == 3.0


def test_ratios_are_taken_within_each_round():
    before, first, second = [1.0, 1.0], [1.0, 20.0], [10.0, 3.0]  # in the second round b begins
    seconds = iter([*before, *first, *second])

    def contestant(name):
        return Contestant(name, run=list, clock=lambda: next(seconds))

    case = Case("clocks", [contestant("a"), contestant("b")])
    row = hold("test", case, 2, 1.0)["contestants"]["b"]
    assert row["xad_ratio"]["median"] == pytest.approx((1 / 20 + 3 / 10) / 2)
