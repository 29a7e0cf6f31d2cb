"""What a program costs, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from xad.core.recording import Variable
from xad.programs.costs import Cost, cost_of, size_in_bytes
from xad.programs.listing import Listing

__all__ = ["Row", "Summary", "summarised"]

COLUMNS = ("operation", "count", "flops", "transcendental", "bytes read", "bytes written")
NOTHING = Cost(0, 0, 0, 0)


@dataclass(frozen=True)
class Row:
    """All the operations of one kind."""

    name: str
    count: int
    cost: Cost


@dataclass(frozen=True)
class Summary:
    """The costs of a program; print it.

    ``rows``: by kind of operation, the most expensive first. ``held``: bytes of arguments and
    constants, which stay. ``peak``: the most bytes that are alive at once, those included, where
    each array is freed after its last use; ``peak_unfreed`` where none is.
    """

    rows: tuple[Row, ...]
    held: int
    peak: int
    peak_unfreed: int

    @property
    def total(self) -> Row:
        """All operations together."""
        return Row("total", sum(row.count for row in self.rows), _added(x.cost for x in self.rows))

    @property
    def flops(self) -> int:
        """Operations that are not transcendental."""
        return self.total.cost.flops

    @property
    def transcendental(self) -> int:
        """Values of transcendental functions."""
        return self.total.cost.transcendental

    @property
    def read(self) -> int:
        """Bytes of all operands."""
        return self.total.cost.read

    @property
    def written(self) -> int:
        """Bytes of all results."""
        return self.total.cost.written

    def __str__(self) -> str:
        cells = [_cells(row) for row in (*self.rows, self.total)]
        widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
        rule = "  ".join("-" * width for width in widths)
        *lines, total = [_aligned(row, widths) for row in cells]
        memory = (
            f"arguments and constants: {_short(self.held, 'B')}; most memory at once: "
            f"{_short(self.peak, 'B')}, {_short(self.peak_unfreed, 'B')} if nothing were freed"
        )
        return "\n".join([_aligned(COLUMNS, widths), rule, *lines, rule, total, memory])


def summarised(listing: Listing) -> Summary:
    """The costs of a program."""
    counts: Counter[str] = Counter()
    costs: dict[str, Cost] = {}
    for instruction in listing.instructions:
        name = instruction.primitive.name
        counts[name] += 1
        costs[name] = _added([costs.get(name, NOTHING), cost_of(listing, instruction)])
    rows = [Row(name, count, costs[name]) for name, count in counts.items()]
    rows.sort(key=lambda row: (-row.cost.flops - row.cost.transcendental, -row.cost.written))
    return Summary(tuple(rows), *_memory(listing))


def _memory(listing: Listing) -> tuple[int, int, int]:
    """Bytes held throughout, the peak where arrays are freed, and where none is."""
    given: set[Variable] = {*listing.inputs, *listing.constants}
    held = sum(size_in_bytes(listing.kinds[v]) for v in given)
    alive = peak = everything = held
    for instruction, gone in zip(listing.instructions, listing.last_uses(), strict=True):
        made = sum(size_in_bytes(listing.kinds[v]) for v in instruction.outputs)
        alive += made
        everything += made
        peak = max(peak, alive)
        alive -= sum(size_in_bytes(listing.kinds[v]) for v in gone if v not in given)
    return held, peak, everything


def _added(costs: Iterable[Cost]) -> Cost:
    return reduce(lambda a, b: Cost(*map(sum, zip(a, b, strict=True))), costs, NOTHING)


def _cells(row: Row) -> list[str]:
    flops, transcendental, read, written = row.cost
    numbers = [_short(flops), _short(transcendental), _short(read, "B"), _short(written, "B")]
    return [row.name, str(row.count), *numbers]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = cells
    right = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([name.ljust(widths[0]), *right])


def _short(number: int, unit: str = "") -> str:
    """Three digits or four, and k, M, G, T for thousands."""
    scaled = float(number)
    for prefix in ("", "k", "M", "G", "T"):
        if scaled < 1000 or prefix == "T":
            break
        scaled /= 1000
    text = f"{number}" if prefix == "" else f"{scaled:.3g}"
    return f"{text} {prefix}{unit}".rstrip()
