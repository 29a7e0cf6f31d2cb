"""A neuron learns a logic gate: sigmoid(w1 x1 + w2 x2 + b), by plain gradient descent.

The loss is the mean cross-entropy over the four rows of the truth table. One neuron can learn AND,
OR and NAND, whose rows a straight line can tell apart; XOR needs a layer in between.
"""

import argparse
from pathlib import Path

import numpy as np

import xad
from xad import nn, tree, viz

INPUTS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "xor": [0, 1, 1, 0]}


def neuron(parameters, x):
    """The logit of a single neuron; its sigmoid is the output."""
    return x @ parameters["w"] + parameters["b"]


def two_layers(parameters, x):
    """The same neuron, looking at the outputs of a few others."""
    return neuron(parameters["output"], xad.tanh(neuron(parameters["hidden"], x)))


def start(gate, seed):
    """The network for a gate and its parameters before training."""
    if gate != "xor":
        return neuron, {"w": array([1.0, 1.0]), "b": array(0.0)}
    rng = np.random.default_rng(seed)
    hidden = {"w": array(rng.normal(size=(2, 8))), "b": array(np.zeros(8))}
    output = {"w": array(rng.normal(size=8)), "b": array(0.0)}
    return two_layers, {"hidden": hidden, "output": output}


def array(values):
    return xad.asarray(values, dtype=xad.float64)


def train(network, parameters, x, y, *, rate, steps):
    """Go downhill: parameters - rate * gradient, again and again."""

    def loss(parameters):
        return nn.sigmoid_binary_cross_entropy(network(parameters, x), y)

    slope = xad.value_and_grad(loss)
    for step in range(steps):
        value, gradient = slope(parameters)
        if step % max(1, steps // 5) == 0:
            print(f"step {step:5d}  loss {float(value):.6f}")
        parameters = tree.map(lambda p, g: p - rate * g, parameters, gradient)
    print(f"step {steps:5d}  loss {float(loss(parameters)):.6f}")
    return parameters


def plane(network, parameters, resolution):
    """The output over the square around the four corners."""
    ticks = np.linspace(-0.25, 1.25, resolution)
    grid = array(np.stack(np.meshgrid(ticks, ticks), axis=-1))
    return nn.sigmoid(network(parameters, grid)).numpy()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gate", choices=GATES, default="and")
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="for the first weights of xor")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the picture goes")
    parser.add_argument("--quick", action="store_true", help="a coarser picture")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    x, y = array(INPUTS), array(GATES[options.gate])
    network, before = start(options.gate, options.seed)
    after = train(network, before, x, y, rate=options.rate, steps=options.steps)

    if network is neuron:
        w1, w2 = (float(w) for w in after["w"])
        print(f"w1 = {w1:.6f}, w2 = {w2:.6f}, b = {float(after['b']):.6f}")
    print(f"x1 x2  {options.gate}")
    outputs = nn.sigmoid(network(after, x))
    for (x1, x2), output in zip(INPUTS, outputs, strict=True):
        print(f" {x1:.0f}  {x2:.0f}  {float(output):.6f}")

    path = options.out / f"logic-gate-{options.gate}.png"
    resolution = 40 if options.quick else 200
    marks = [(str(out), corner) for corner, out in zip(INPUTS, GATES[options.gate], strict=True)]
    viz.heat_map(
        np.stack([plane(network, p, resolution) for p in (before, after)]),
        extent=(-0.25, 1.25, -0.25, 1.25),
        limits=(0.0, 1.0),
        titles=["before", f"after {options.steps} steps"],
        labels=("x1", "x2"),
        marks=marks,
        path=path,
    )
    print("wrote", path)


if __name__ == "__main__":
    main()
