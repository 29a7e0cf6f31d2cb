"""Check that files and functions of the package stay short enough to read in one go."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
FUNCTION_LINES = 50


def too_long(root: Path) -> list[str]:
    """A line for each file or function under ``root`` that is over its limit."""
    faults = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text("utf-8")
        lines = len(text.splitlines())
        if lines > FILE_LINES:
            faults.append(f"{path}: {lines} lines, {FILE_LINES} at most")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    place = f"{path}:{node.lineno}: {node.name}"
                    faults.append(f"{place} has {lines} lines, {FUNCTION_LINES} at most")
    return faults


def main() -> int:
    """Print what is too long, return the exit status."""
    faults = too_long(ROOT / "xad")
    for fault in faults:
        print(fault)
    print(f"sizes: {len(faults)} files or functions are too long")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
