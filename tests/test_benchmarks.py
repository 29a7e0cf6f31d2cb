"""The benchmark runner runs, and writes what it should. Nothing here looks at a time."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import mnist  # noqa: E402
from benchmarks.chart import LONGEST, chart  # noqa: E402
from benchmarks.contest import Case, Contestant, agree, hold  # noqa: E402
from benchmarks.libraries import Libraries  # noqa: E402
from benchmarks.report import page  # noqa: E402
from xad.nn.data import Examples  # noqa: E402
from xad.nn.errors import DataError  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmarks") / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "2", "--json", str(path)]
    done = subprocess.run(
        [*command, "--backend", "numpy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(
        printed=done.stdout,
        facts=json.loads(path.read_text()),
        page=path.with_suffix(".md").read_text("utf-8"),
        chart=path.with_suffix(".svg").read_text("utf-8"),
    )


def is_compiled(result):
    own = result["workload"] in ("compile", "elementwise", "recurrent", "logistic")
    return own or ", compiled, " in result["case"]


def test_json_holds_every_workload_with_figures_that_can_be(files):
    facts = files.facts
    assert {result["workload"] for result in facts["results"]} == {
        "overhead", "mlp", "compile", "elementwise", "recurrent", "logistic", "mnist", "depth",
        "jacobian", "hvp", "import", "memory",
    }  # fmt: skip
    assert facts["threads"] == 1
    assert facts["quick"] is True
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["machine"]["cores"] > 0
    for result in facts["results"]:
        first = next(iter(result["contestants"])).partition(":")[0]
        assert first == ("xad.jit" if is_compiled(result) else "xad")
        for row in result["contestants"].values():
            assert 0 < row["lower_quartile"] <= row["median"] <= row["upper_quartile"]
            assert row["xad_ratio"]["median"] > 0


def test_first_contestant_is_measured_against_itself(files):
    for result in files.facts["results"]:
        first = next(iter(result["contestants"].values()))
        assert first["xad_ratio"] == {"median": 1, "lower_quartile": 1, "upper_quartile": 1}


def test_table_has_a_row_for_each_contestant_and_says_what_was_not_measured(files):
    facts, table = files.facts, files.page
    for result in facts["results"]:
        assert f"### {result['workload']}: {result['case']}" in table
        for name in result["contestants"]:
            assert f"| {name} |" in table
            assert f"| {name} |" in files.printed
    assert "not measured" in table
    assert "the figures mean nothing" in table


def test_targets_of_compiled_programs_are_judged(files):
    wanted = {
        "overhead": {"NumPy by hand": 1.0, "torch": 0.3},
        "mlp": {"NumPy by hand": 1.0, "torch": 1.0, "jax.jit": 1.2},
        "compile": {"xad: eager step": 30.0},
        "elementwise": {"NumPy by hand": 0.45, "jax.jit": 1.0},
        "recurrent": {"torch": 1.0},
        "logistic": {"jax.jit": 1.0},
        "mnist": {"NumPy by hand": 1.15, "torch, DataLoader": 1.0},
    }
    judged = [r for r in files.facts["results"] if is_compiled(r) or r["workload"] == "mnist"]
    assert {r["workload"] for r in judged} == set(wanted)
    for result in judged:
        assert result["targets"] == wanted[result["workload"]]


def bars(svg):
    return [x for x in ET.fromstring(svg).iter() if x.get("class") in ("ours", "theirs")]


def test_chart_has_a_bar_for_each_contestant_and_the_page_shows_it(files):
    assert len(bars(files.chart)) == sum(len(r["contestants"]) for r in files.facts["results"])
    assert "](results.svg)" in files.page


def measured(median, ratio):
    spread = {"lower_quartile": median, "upper_quartile": median}
    ratios = dict.fromkeys(("median", "lower_quartile", "upper_quartile"), ratio)
    return {"median": median, **spread, "xad_ratio": ratios}


@pytest.fixture
def judged():
    """A run with one case, in which one target is met, one is not, and one is of nobody there."""
    rows = {"xad": measured(2.0, 1.0), "a": measured(4.0, 0.5), "b": measured(1.0, 2.0)}
    case = {
        "workload": "w", "case": "1 < 2", "unit": "microseconds", "rounds": 1, "remarks": [],
        "contestants": rows, "targets": {"a": 0.75, "b": 1.0, "absent": 1.0},
    }  # fmt: skip
    return {
        "device": "d", "backend": "numpy", "date": "2026-01-01", "quick": False, "threads": 1,
        "versions": {}, "machine": {"cores": 1}, "results": [case],
    }  # fmt: skip


def test_bars_are_as_long_as_the_medians_and_marks_tell_whether_targets_are_met(judged):
    svg = chart(judged)
    ours, a, b = (float(bar.get("width")) for bar in bars(svg))
    assert a == pytest.approx(2 * ours, abs=0.2)
    assert b == pytest.approx(ours / 2, abs=0.2)
    (start,) = {float(bar.get("x")) for bar in bars(svg)}
    marks = {
        line.get("class"): float(line.get("x1")) - start
        for line in ET.fromstring(svg).iter()
        if line.get("class") in ("met", "missed")
    }
    assert marks["met"] == pytest.approx(1.5 * ours, abs=0.2)
    assert marks["missed"] == pytest.approx(0.5 * ours, abs=0.2)


def test_bars_that_would_hide_the_others_are_cut_and_marked_so(judged):
    judged["results"][0]["contestants"]["a"] = measured(2000.0, 0.001)
    svg = chart(judged)
    ours, a, _ = (float(bar.get("width")) for bar in bars(svg))
    assert ours > 20
    assert a == pytest.approx(LONGEST * ours, rel=0.01)
    assert [x.get("class") for x in ET.fromstring(svg).iter()].count("cut") == 1


def test_page_counts_targets_and_names_those_that_are_not_met(judged):
    text = page(judged, "p.svg")
    assert "Targets met: 1 of 2." in text
    assert "- not met: w: 1 < 2: 2.00 of b, wanted ≤ 1\n" in text


def test_page_and_chart_are_written_anew_from_the_json_alone(files, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(files.facts))
    command = [sys.executable, "-m", "benchmarks", "report", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert path.with_suffix(".md").read_text("utf-8") == files.page
    assert path.with_suffix(".svg").read_text("utf-8") == files.chart


def test_digits_come_from_the_folder_that_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XAD_MNIST", str(tmp_path))
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        mnist.load(quick=False)

    def load(folder, *, download):
        assert (folder, download) == (str(tmp_path), False)
        return Examples(np.ones((700, 784), np.float32), np.arange(700) % 10), None

    monkeypatch.setattr(mnist.nn, "load_mnist", load)
    (inputs, labels), remarks = mnist.load(quick=False)
    assert len(inputs) == len(labels) == 700
    assert remarks[0] == "The digits are MNIST's"
    assert len(mnist.load(quick=True)[0][0]) == mnist.COMPARED


def test_noise_takes_the_place_of_digits_and_is_called_so(monkeypatch):
    monkeypatch.delenv("XAD_MNIST", raising=False)
    (inputs, labels), remarks = mnist.load(quick=True)
    assert inputs.shape == (mnist.COMPARED, 784)
    assert labels.max() < 10
    assert remarks[0].startswith("Noise in place of digits")


def test_compilers_that_fail_are_left_out_with_a_remark():
    class Broken:
        def compile(self, f, **options):
            raise RuntimeError("No working C++ compiler\nand more")

        def sin(self, x):
            return x

        def tensor(self, x, **options):
            return x

    libraries = Libraries("numpy", 1, quick=True)
    libraries.torch = Broken()
    assert libraries.compile_remarks() == [
        "torch.compile takes no part; left out: No working C++ compiler"
    ]
    assert libraries.versions()["torch.compile"] == "left out: No working C++ compiler"


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
        ["xad.jit", "NumPy by hand"],
        ["xad.jit", "NumPy by hand"],
        ["xad", "xad, written out", "NumPy by hand"],
        ["xad.jit", "NumPy by hand"],
    ]
    (remark,) = facts["results"][-1]["remarks"]
    assert remark.startswith("torch.compile takes no part; absent: ")


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
    for result in files.facts["results"]:
        measured = "most memory" in result["case"]
        assert result["unit"].startswith("MiB" if measured else "microseconds")
        if measured:
            assert result["workload"] == "memory"
            for row in result["contestants"].values():
                assert 0.5 < row["median"] < 1000


def test_checkpoints_need_less_memory(files):
    (result,) = [r for r in files.facts["results"] if "most memory of value" in r["case"]]
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
