"""The chart of results, as SVG text: bars for each case, and marks where targets lie."""

from __future__ import annotations

from html import escape
from typing import Any

WIDTH, LEFT, RIGHT = 880, 200, 200
ROW, GAP, HEAD, TOP = 17, 22, 20, 52
LONGEST = 8
"""Bars are cut at this multiple of the first, or it could not be seen."""
STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif;
       fill: #24292f; dominant-baseline: central }
.case { font-weight: 600 } .name { text-anchor: end } .note { fill: #57606a }
.ours { fill: #0969da } .theirs { fill: #afb8c1 } .spread { stroke: #24292f; stroke-width: 1 }
.cut { stroke: #ffffff; stroke-width: 3 }
.met { stroke: #1a7f37; stroke-width: 2 } .missed { stroke: #cf222e; stroke-width: 2 }
"""


def chart(found: dict[str, Any]) -> str:
    """A group of bars for each case, each group on a scale of its own; the shorter the better.

    Black lines go from quartile to quartile. Upright marks on the first bar show where it must end
    for a target: green where it does, red where it does not.
    """
    parts: list[str] = []
    y = float(TOP)
    for result in found["results"]:
        parts += _case(result, y)
        y += HEAD + ROW * len(result["contestants"]) + GAP
    title = f"xad on {found['device']} ({found['backend']}), {found['date'][:10]}"
    note = "median of each contestant; upright marks: where the first bar must end for a target; "
    note += "bars with a gap are longer than shown"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}" '
            f'viewBox="0 0 {WIDTH} {y:.0f}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
            _text("case", 16, 18, title),
            _text("note", 16, 36, note),
            *parts,
            "</svg>\n",
        ]
    )


def _case(result: dict[str, Any], y: float) -> list[str]:
    rows = result["contestants"]
    first = next(iter(rows))
    most = max(row["upper_quartile"] for row in rows.values())
    most = min(most, LONGEST * rows[first]["upper_quartile"])
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = [_text("case", 16, y + HEAD / 2, _shortened(f"{result['workload']}: {result['case']}"))]
    for i, (name, row) in enumerate(rows.items()):
        middle = y + HEAD + ROW * (i + 0.5)
        kind = "ours" if name.startswith("xad") else "theirs"
        shown = min(row["median"], most)
        length = max(scale * shown, 0.5)
        ratio = row["xad_ratio"]["median"]
        beside = "" if name == first else f"; xad / it {ratio:.2f}"
        unit = result["unit"].replace("microseconds", "µs").replace(" per operation", " each")
        parts += [
            _text("name", LEFT - 8, middle, name),
            f'<rect class="{kind}" x="{LEFT}" y="{middle - 6:.1f}" width="{length:.1f}" '
            'height="12"/>',
            _line("cut", scale, 0.96 * most, 0.97 * most, middle, 9)
            if shown < row["median"]
            else _line(
                "spread", scale, row["lower_quartile"], min(row["upper_quartile"], most), middle, 0
            ),
            _text("note", WIDTH - RIGHT + 8, middle, f"{figure(row['median'])} {unit}{beside}"),
        ]
    middle = y + HEAD + ROW / 2
    for name, limit in result["targets"].items():
        if name in rows:
            end = limit * rows[name]["median"]
            met = rows[name]["xad_ratio"]["median"] <= limit
            if end <= most:
                parts.append(_line("met" if met else "missed", scale, end, end, middle, 8))
    return parts


def figure(x: float) -> str:
    """Three digits."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def _shortened(title: str) -> str:
    return title if len(title) <= 125 else title[:124] + "…"


def _line(kind: str, scale: float, start: float, end: float, y: float, reach: float) -> str:
    return (
        f'<line class="{kind}" x1="{LEFT + scale * start:.1f}" x2="{LEFT + scale * end:.1f}" '
        f'y1="{y - reach:.1f}" y2="{y + reach:.1f}"/>'
    )


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
