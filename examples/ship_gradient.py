"""Train here, ship the gradient, use it there: a recorded program in a file.

A small network learns a surface from samples, by whichever library XAD_BACKEND names. Its value
and gradient by the inputs are recorded as a program, weights and all, and saved. A fresh Python
process with NumPy alone, which knows nothing of the network, loads the file and walks down the
surface to its lowest point.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import xad
from xad import nn

START = (1.5, -1.0)
LOWEST = (0.5, 0.25)


def surface(points):
    """What the network is to learn; lowest at LOWEST."""
    x, y = (points - np.asarray(LOWEST)).T
    return x**2 + 2 * y**2 + 0.5 * x * y


def train(steps):
    """A network that has seen samples of the surface, and how far off it is on others."""
    random = np.random.default_rng(0)
    samples = random.uniform(-2, 2, (400, 2))
    points, heights = xad.asarray(samples), xad.asarray(surface(samples)[:, None])
    model = nn.Sequential(
        nn.Dense.create(2, 32, rng=random, dtype="float64"),
        xad.tanh,
        nn.Dense.create(32, 1, rng=random, dtype="float64"),
    )

    def loss(model):
        return xad.mean((model(points) - heights) ** 2)

    optimizer = nn.Adam(0.02)
    state = optimizer.init(model)
    gradient = xad.jit(xad.grad(loss))
    for _ in range(steps):
        model, state = optimizer.update(gradient(model), state, model)
    fresh = random.uniform(-1.5, 1.5, (200, 2))
    error = np.abs(model(xad.asarray(fresh)).numpy()[:, 0] - surface(fresh)).mean()
    return model, float(error)


# All that runs in the other process: NumPy, xad and the file.
RECEIVER = """
import sys
import numpy as np
import xad

program = xad.load_program(sys.argv[1])
point = np.asarray([float(x) for x in sys.argv[2:]])
for _ in range(300):
    height, slope = program(point)
    point = point - 0.1 * slope
print(f"lowest at {point[0]:.2f}, {point[1]:.2f}; height {float(height):.2f}")
others = {"xad.nn", "torch", "jax", "scipy", "cupy"} & set(sys.modules)
print("loaded beside NumPy and xad:", ", ".join(sorted(others)) or "nothing")
"""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the files go")
    parser.add_argument("--quick", action="store_true", help="fewer steps of training")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    model, error = train(1000 if options.quick else 3000)
    print(f"trained: off by {error:.3f} on average")

    def height(point):
        return xad.sum(model(point[None, :]))

    program = xad.make_program(xad.value_and_grad(height))(xad.asarray(START, dtype=xad.float64))
    path = options.out / "gradient.zip"
    program.save(path)
    print(f"wrote {path}")
    print(program.summary())
    print("wrote", xad.viz.draw(program).save(options.out / "gradient.svg"))

    print("in another process:", flush=True)
    command = [sys.executable, "-c", RECEIVER, str(path), *map(str, START)]
    home = {
        "PYTHONPATH": str(Path(xad.__file__).parents[1]),
        "XAD_BACKEND": "numpy",
        "XAD_DEVICE": "",
    }
    done = subprocess.run(
        command, env={**os.environ, **home}, check=True, capture_output=True, text=True
    )
    print(done.stdout, end="")


if __name__ == "__main__":
    main()
