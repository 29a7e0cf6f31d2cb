"""What Python computes before a program of arrays runs: from its numbers, and from generators.

Numbers never depend on arrays while a program is recorded, for nobody may look at an array's
values. So all that is done to numbers can be done first; where one meets an array it becomes an
input of the program. Random draws are made there too, in the order in which they were recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

__all__ = ["Place", "Prologue"]


class Place(NamedTuple):
    """Where in a prologue a value stands."""

    number: int


class Prologue:
    """Given values, and steps that make others of them, each a call of a function."""

    def __init__(self) -> None:
        self.examples: list[Any] = []
        self.steps: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.exports: list[Place] = []
        #: The given values that a value was made of; None stands for one that was drawn.
        self.origins: list[frozenset[int | None]] = []
        self._known: dict[Any, Place] = {}

    def given(self, example: Any) -> Place:
        """One more value that every run is given. All are declared before the first step."""
        return self._add(example, frozenset([len(self.examples)]))

    def step(self, function: Callable[..., Any], *operands: Any) -> Place:
        """A call whose result depends on its operands alone; the same call is made once."""
        key = (function, tuple([(x.__class__, x) for x in operands]))
        place = self._known.get(key)
        if place is None:
            places = [x.number for x in operands if type(x) is Place]
            example = function(
                *[self.examples[x.number] if type(x) is Place else x for x in operands]
            )
            origins = frozenset().union(*[self.origins[i] for i in places])
            self.steps.append((function, operands))
            place = self._known[key] = self._add(example, origins)
        return place

    def draw(self, call: Callable[[Any], Any], generator: Place, example: Any) -> Place:
        """What a generator gives when it is called: something else each time."""
        self.steps.append((call, (generator,)))
        return self._add(example, frozenset([None]))

    def export(self, place: Place) -> None:
        """Hand a value on to the program, as its next input."""
        self.exports.append(place)

    def run(self, given: Sequence[Any]) -> list[Any]:
        """All values, in the order of their places."""
        values = list(given)
        for function, operands in self.steps:
            values.append(
                function(*[values[x.number] if type(x) is Place else x for x in operands])
            )
        return values

    def _add(self, example: Any, origins: frozenset[int | None]) -> Place:
        self.examples.append(example)
        self.origins.append(origins)
        return Place(len(self.examples) - 1)
