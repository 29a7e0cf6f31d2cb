"""Verdicts as a page for people and as JSON for programs."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from thirdparty.judging import CLASSES, Verdict

PACKAGES = ("numpy", "scipy", "array-api-extra", "scikit-learn", "array-api-strict")

HEAD = """# Gradients through other people's array-API code

Functions of SciPy, array-api-extra and scikit-learn called with tracked tensors, inside `xad.grad`,
and what came of each call. Written by `ci/thirdparty`; run it again after an upgrade. SciPy wants
`SCIPY_ARRAY_API=1`, scikit-learn `array_api_dispatch=True`.

{classes}

Nothing is detached in silence: compiled code that asks for plain values gets an error. Taking them
out is then a decision, written as `xad.stop_gradient(x)` and, outside transformations,
`x.detach().numpy()`.
"""

REASONS = {
    # what to look for in the error, and what it comes to
    r"NumPy's conversion": "takes the values out with `np.asarray`: compiled, or for NumPy only",
    r"(float|complex)\(\) inside": "takes a Python number out with `float`",
    r"xad has no function of that name": "calls a function of NumPy that has no twin in xad",
    r"Multiple namespaces": "makes plain arrays of its own and refuses to mix them with tensors",
    r"expected a constant": "needs a derivative that is not known in closed form",
    r"object has no attribute": "uses methods of `ndarray` that the standard does not have",
    r"has no function": "needs a function that the tensors' library does not have",
}


def library_of(verdict: Verdict) -> str:
    """The first part of the name."""
    return verdict.name.partition(".")[0]


def module_of(verdict: Verdict) -> str:
    """The name without the function and what stands behind it."""
    name = verdict.name.partition(" ")[0]
    parts = name.split(".")
    small = [part for part in parts[:-1] if part.islower()]
    return ".".join(small)


def counts(verdicts: list[Verdict]) -> dict[str, Counter[str]]:
    """How often each class came up, by library."""
    found: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        found.setdefault(library_of(verdict), Counter())[verdict.kind] += 1
    return found


def summary(verdicts: list[Verdict]) -> str:
    """A line for each library."""
    lines = []
    for library, kinds in counts(verdicts).items():
        figures = ", ".join(f"{kinds[kind]} {kind}" for kind in CLASSES)
        lines.append(f"  {library}: {sum(kinds.values())} calls: {figures}")
    return "\n".join(lines)


def too_few(found: dict[str, list[Verdict]], least: dict[str, dict[str, int]]) -> list[str]:
    """Where fewer calls agree than are known to."""
    faults = []
    for backend, verdicts in found.items():
        for library, kinds in counts(verdicts).items():
            wanted = least[library].get(backend, 0)
            if kinds["agree"] < wanted:
                faults.append(f"{backend}: {kinds['agree']} calls of {library} agree, not {wanted}")
    return faults


def write(path: Path, found: dict[str, list[Verdict]]) -> None:
    """Both files, the page beside the JSON."""
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {package: version(package) for package in PACKAGES},
        "calls": {
            backend: {v.name: f"{v.kind}: {v.reason}".removesuffix(": ") for v in verdicts}
            for backend, verdicts in found.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    classes = "\n".join(f"- **{name}**: {meaning}." for name, meaning in CLASSES.items())
    versions = ", ".join(f"{package} {number}" for package, number in facts["versions"].items())
    lines = [HEAD.format(classes=classes), f"On {facts['date']}, with {versions}.", ""]
    lines += _totals(found)
    for backend, verdicts in found.items():
        lines += _section(backend, verdicts)
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def _totals(found: dict[str, list[Verdict]]) -> list[str]:
    lines = [
        f"| tensors over | library | calls | {' | '.join(CLASSES)} |",
        f"| --- | --- | ---: |{' ---: |' * len(CLASSES)}",
    ]
    for backend, verdicts in found.items():
        for library, kinds in counts(verdicts).items():
            figures = " | ".join(str(kinds[kind]) for kind in CLASSES)
            lines.append(f"| {backend} | {library} | {sum(kinds.values())} | {figures} |")
    return [*lines, ""]


def _section(backend: str, verdicts: list[Verdict]) -> list[str]:
    lines = [f"## Tensors over {backend}", ""]
    for kind in ("agree", "constant"):
        lines += [f"### {kind.capitalize()}", ""]
        chosen = [v for v in verdicts if v.kind == kind]
        for module in dict.fromkeys(map(module_of, chosen)):
            names = [_short(v, module) for v in chosen if module_of(v) == module]
            lines += [f"**{module}**: {', '.join(names)}.", ""]
    lines += ["### Refuse", "", "| why | calls |", "| --- | --- |"]
    refused: dict[str, list[str]] = {}
    for v in verdicts:
        if v.kind == "refuse":
            refused.setdefault(reason_of(v), []).append(f"`{v.name}`")
    for reason, names in sorted(refused.items(), key=lambda item: -len(item[1])):
        lines.append(f"| {reason} | {', '.join(names)} |")
    lost = [v for v in verdicts if v.kind in ("detached", "wrong")]
    lines += ["", *(f"- **{v.kind}** `{v.name}`: {v.reason}" for v in lost), ""]
    return lines


def _short(verdict: Verdict, module: str) -> str:
    name, _, rest = verdict.name.removeprefix(f"{module}.").partition(" ")
    return f"`{name}`" + (f" ({rest})" if rest else "")


def reason_of(verdict: Verdict) -> str:
    """Why a call refused, in words; the error's own where it is none of the usual ones."""
    for pattern, reason in REASONS.items():
        if re.search(pattern, verdict.reason):
            return reason
    return "`" + verdict.reason.replace("|", "\\|").replace("`", "'") + "`"
