"""Write results down: JSON for programs, and from it a page with tables and a chart for people."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.chart import chart, figure

if TYPE_CHECKING:  # pages are written without loading any library
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
            f"| {name} | {figure(row['median'])} | {_span(row)} "
            f"| {ratio['median']:.2f} | {_span(ratio)} | {verdict} |"
        )
    lines += [""] * bool(result["remarks"]) + [f"{remark}." for remark in result["remarks"]]
    return "\n".join(lines)


def facts(
    libraries: Libraries, options: argparse.Namespace, results: list[dict[str, Any]]
) -> dict[str, Any]:
    """All that is known, ready for JSON."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "backend": libraries.backend,
        "device": libraries.device(),
        "machine": libraries.machine(),
        "threads": options.threads,
        "quick": options.quick,
        "versions": libraries.versions(),
        "results": results,
    }


def write(path: Path, found: dict[str, Any]) -> None:
    """The JSON, and beside it the page and the chart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    write_page(path)


def write_page(path: Path) -> None:
    """The page and the chart, from the JSON alone."""
    found = json.loads(path.read_text("utf-8"))
    picture = path.with_suffix(".svg")
    picture.write_text(chart(found), "utf-8")
    path.with_suffix(".md").write_text(page(found, picture.name), "utf-8")


def page(found: dict[str, Any], picture: str) -> str:
    """Everything as Markdown, with the chart in the file ``picture``."""
    lines = [f"# xad on {found['device']} ({found['backend']}), {found['date'][:10]}", ""]
    if found["quick"]:
        lines += ["A quick run on tiny sizes, to see that it works: the figures mean nothing.", ""]
    lines += [f"- {name}: {text}" for name, text in found["versions"].items()]
    cores = found["machine"]["cores"]
    lines.append(f"- device: {found['device']}, {cores} cores; threads: {found['threads']}")
    lines.append(
        "- GPU: measured"
        if found["backend"] == "cupy"
        else "- GPU (`--backend cupy`): not measured in this run"
    )
    lines += ["", *_verdict(found["results"]), f"![Median of each contestant]({picture})", ""]
    lines += ["`xad / it`: the first row's figure over the row's, in the same round.", ""]
    lines.append("\n\n".join(table(result) for result in found["results"]))
    return "\n".join(lines) + "\n"


def _verdict(results: list[dict[str, Any]]) -> list[str]:
    """How many targets were met, and which were not."""
    missed, count = [], 0
    for result in results:
        for name, limit in result["targets"].items():
            if name not in result["contestants"]:
                continue
            count += 1
            ratio = result["contestants"][name]["xad_ratio"]["median"]
            if ratio > limit:
                case = f"{result['workload']}: {result['case']}"
                missed.append(f"- not met: {case}: {ratio:.2f} of {name}, wanted ≤ {limit:g}")
    if not count:
        return []
    return [f"Targets met: {count - len(missed)} of {count}.", "", *missed, *[""] * bool(missed)]


def _span(row: dict[str, float]) -> str:
    return f"{figure(row['lower_quartile'])}–{figure(row['upper_quartile'])}"
