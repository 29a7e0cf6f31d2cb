"""Write the generated parts of the documentation: derivatives.md and neuron.svg.

    python docs/generate.py

The table comes from the docstrings, so it cannot say anything else than they do.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import xad
from xad import viz

HERE = Path(__file__).resolve().parent
HEAD = """# Derivatives

Each function with its derivative, taken from its docstring by `docs/generate.py`.
How a derivative becomes a rule is told in [The mathematics of each rule](rules.md), and what
holds at corners and poles in [Where there is no slope](subgradients.md).
"""
CHAPTERS = {
    "Elementwise functions, statistics, manipulation and products": "xad",
    "Linear algebra (`xad.linalg`)": "xad.linalg",
    "Special functions (`xad.special`)": "xad.special",
}


def formula(function: object) -> tuple[str, str] | None:
    """What a docstring says of the value and of the derivative, where it has such a line."""
    text = inspect.cleandoc(getattr(function, "__doc__", None) or "")
    found = re.search(r"^ {2,8}(\w+ = \S.*?) {4,}(\S.*)$", text, re.MULTILINE)
    return None if found is None else (found[1], found[2])


def flat(function: object) -> bool:
    """Whether a docstring says that the derivative is zero wherever there is one."""
    found = formula(function)
    return found is not None and found[1].startswith("constant almost everywhere")


def derivatives() -> str:
    """The text of derivatives.md."""
    lines = [HEAD]
    seen: set[int] = set()
    constants = []
    for title, name in CHAPTERS.items():
        module = getattr(xad, name.partition(".")[2], None) if "." in name else xad
        rows = []
        for public in sorted(getattr(module, "__all__", ())):
            function = getattr(module, public)
            found = formula(function)
            if found is None or id(function) in seen:
                continue
            seen.add(id(function))
            if flat(function):
                constants.append(f"`{public}`")
            else:
                value, slope = (part.replace("|", "\\|") for part in found)
                rows.append(f"| `{public}` | {value} | {slope} |")
        if rows:
            lines += [f"## {title}\n", "| function | value | derivative |", "| --- | --- | --- |"]
            lines += [*rows, ""]
    lines += ["## Constant almost everywhere\n", f"{', '.join(constants)}."]
    return "\n".join(lines) + "\n"


def neuron() -> str:
    """The text of neuron.svg."""
    with xad.use_backend("numpy"):
        return viz.draw(lambda W, x, b: W * x + b, 2.0, 3.0, 1.0, cotangent=2.0).svg


GENERATED = {"derivatives.md": derivatives, "neuron.svg": neuron}


def main() -> None:
    """Write all of them."""
    for name, make in GENERATED.items():
        (HERE / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
