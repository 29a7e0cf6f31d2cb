"""The examples: they run, print the right figures, and leave pictures that can be opened."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import xad

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def run(tmp_path, capsys):
    """Run an example at small size; what it printed and the pictures that it left."""

    def run(name, *arguments):
        main = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name=name)["main"]
        main(["--quick", "--out", str(tmp_path), *arguments])
        printed = capsys.readouterr().out
        pictures = {path.name: path for path in sorted(tmp_path.iterdir())}
        assert re.findall(r"^wrote .*?([\w.-]+)$", printed, re.MULTILINE) == [
            name
            for name in re.findall(r"[\w.-]+\.(?:png|svg|dot|zip)", printed)
            if name in pictures
        ]
        for path in pictures.values():
            check_picture(path)
        return printed, pictures

    return run


def check_picture(path):
    if path.suffix == ".svg":
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    elif path.suffix == ".dot":
        assert re.fullmatch(r"digraph computation \{\n(    .*;\n)+\}\n", path.read_text("utf-8"))
    elif path.suffix == ".zip":
        assert len(xad.load_program(path)) > 0
    else:
        assert path.read_bytes().startswith(PNG)


def test_computation_graph(run):
    printed, pictures = run("computation_graph")
    assert "W * x + b = 7\n" in printed
    assert "W: 6\n    x: 4\n    b: 2\n" in printed
    assert "is 3.5\n    d/dx = x   = 2\n    d/dy = 1/2 = 0.5\n" in printed
    kinds = [
        f"graph-{name}.{suffix}" for name in ("neuron", "polynomial") for suffix in ("dot", "svg")
    ]
    assert list(pictures) == kinds
    svg = pictures["graph-neuron.svg"].read_text("utf-8")
    assert re.findall(r'class="value" [^>]*>([^<]*)<', svg) == ["2", "3", "6", "1", "7"]
    assert re.findall(r'class="gradient" [^>]*>([^<]*)<', svg) == ["6", "4", "2", "2", "2"]


def test_ship_gradient(run, here):
    if here.precision != "float64":
        pytest.skip("the example computes in float64, which the device has not")
    printed, files = run("ship_gradient")
    assert list(files) == ["gradient.svg", "gradient.zip"]
    x, y, height = re.search(r"lowest at (\S+), (\S+); height (\S+)\n", printed).groups()
    np.testing.assert_allclose([float(x), float(y), float(height)], [0.5, 0.25, 0], atol=0.2)
    assert "loaded beside NumPy and xad: nothing\n" in printed
    value, slope = xad.load_program(files["gradient.zip"])(np.asarray([1.5, -1.0]))
    np.testing.assert_allclose(value, 1 + 2 * 1.25**2 - 0.5 * 1.25, rtol=0.1)
    np.testing.assert_allclose(slope, [2 - 0.625, -5 + 0.5], rtol=0.2)


@pytest.fixture
def trained(run, require_library, here):
    """What a logic gate's neuron has learned: the outputs for the four rows, and the text."""
    require_library("matplotlib")
    if here.precision != "float64":
        pytest.skip("the example computes in float64, which the device has not")

    def trained(gate):
        printed, pictures = run("logic_gate", "--gate", gate)
        assert list(pictures) == [f"logic-gate-{gate}.png"]
        rows = re.findall(r"^ ([01])  ([01])  (\d\.\d{6})$", printed, re.MULTILINE)
        assert [(a, b) for a, b, _ in rows] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
        return [float(output) for _, _, output in rows], printed

    return trained


def test_logic_gate_and(trained):
    outputs, printed = trained("and")
    numbers = re.search(r"w1 = (\S+), w2 = (\S+), b = (\S+)", printed).groups()
    np.testing.assert_allclose(
        [float(x) for x in numbers], [6.403725, 6.403725, -9.781184], atol=1e-6, rtol=0
    )
    expected = [0.000057, 0.033007, 0.033007, 0.953746]
    np.testing.assert_allclose(outputs, expected, atol=1.5e-6, rtol=0)


@pytest.mark.parametrize(
    ("gate", "table"), [("or", [0, 1, 1, 1]), ("nand", [1, 1, 1, 0]), ("xor", [0, 1, 1, 0])]
)
def test_logic_gates(trained, gate, table):
    outputs, _ = trained(gate)
    np.testing.assert_allclose(outputs, table, atol=0.1)


def test_spiral(run, require_library):
    require_library("matplotlib")
    printed, pictures = run("spiral")
    assert list(pictures) == ["spiral-curves.png", "spiral-regions.png"]
    assert float(re.search(r"accuracy after 200 epochs: (\S+)%", printed)[1]) >= 98


def accuracy(printed):
    return float(re.search(r"test accuracy: (\S+)%", printed)[1])


def test_digits(run, require_library):
    require_library("matplotlib")
    printed, pictures = run("mnist")
    assert list(pictures) == ["mnist-confusion.png", "mnist-curves.png", "mnist-weights.png"]
    assert "1437 digits to learn from, 360 to be tested on" in printed
    assert accuracy(printed) >= 96


@pytest.mark.parametrize(
    ("arguments", "least"),
    [
        ("--hidden 0 --optimizer sgd", 94),
        ("--hidden 40 --activation sigmoid --optimizer sgd", 94),
        ("--activation tanh --seed 1 --rate 0.01 --epochs 15 --batch 64", 94),
    ],
)
def test_digits_with_options(run, require_library, arguments, least):
    require_library("matplotlib")
    printed, _ = run("mnist", *arguments.split())
    assert accuracy(printed) >= least


def test_mnist_files_are_read(run, require_library, tmp_path_factory):
    require_library("matplotlib")
    folder = tmp_path_factory.mktemp("empty")
    with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
        run("mnist", "--data", str(folder))
