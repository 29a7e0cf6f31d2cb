"""Write results down: a table for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.libraries import Libraries

HEADER = (
    "| contestant | median | quartiles | xad / it | quartiles | target |\n"
    "| --- | ---: | ---: | ---: | ---: | :--- |"
)


def table(result: dict[str, Any]) -> str:
    """One case as a Markdown table."""
    lines = [f"### {result['workload']}: {result['case']}", ""]
    lines.append(f"In {result['unit']}; {result['rounds']} rounds.\n")
    lines.append(HEADER)
    for name, row in result["contestants"].items():
        ratio = row["xad_ratio"]
        limit = result["targets"].get(name)
        verdict = ""
        if limit is not None:
            verdict = f"≤ {limit:g}: " + ("met" if ratio["median"] <= limit else "not met")
        lines.append(
            f"| {name} | {_figure(row['median'])} | {_span(row)} "
            f"| {ratio['median']:.2f} | {_span(ratio)} | {verdict} |"
        )
    lines += [""] * bool(result["remarks"]) + [f"{remark}." for remark in result["remarks"]]
    return "\n".join(lines)


def write(
    path: Path, libraries: Libraries, options: argparse.Namespace, results: list[dict[str, Any]]
) -> None:
    """Both files, the table beside the JSON."""
    facts = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "backend": libraries.backend,
        "device": libraries.device(),
        "machine": libraries.machine(),
        "threads": options.threads,
        "quick": options.quick,
        "versions": libraries.versions(),
        "results": results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    lines = [f"# xad on {facts['device']} ({libraries.backend}), {facts['date'][:10]}", ""]
    if options.quick:
        lines += ["A quick run on tiny sizes, to see that it works: the figures mean nothing.", ""]
    lines += [f"- {line}" for line in libraries.describe()]
    lines.append(
        "- GPU: measured"
        if libraries.on_gpu
        else "- GPU (`--backend cupy`): not measured in this run"
    )
    lines += ["", "`xad / it`: the first row's figure over the row's, in the same round.", ""]
    lines.append("\n\n".join(table(result) for result in results))
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", "utf-8")


def _figure(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def _span(row: dict[str, float]) -> str:
    return f"{_figure(row['lower_quartile'])}–{_figure(row['upper_quartile'])}"
