"""Pictures: computation graphs with values and gradients; curves, heat maps, decision regions.

`draw` needs nothing but xad. The others return a matplotlib figure (``pip install
"xad-arrays[viz]"``) and write it to ``path`` if one is given.
"""

from __future__ import annotations

from xad.viz.charts import confusion_matrix, curves, decision_regions, heat_map, images
from xad.viz.drawing import Drawing, draw

__all__ = [
    "Drawing",
    "confusion_matrix",
    "curves",
    "decision_regions",
    "draw",
    "heat_map",
    "images",
]
