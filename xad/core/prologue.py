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
        self._generators: list[Place] = []
        self._draws = 0
        self._order: list[tuple[int, Callable[..., Any], tuple[Any, ...]]] = []
        self._may_fail_after_draws = False

    def given(self, example: Any) -> Place:
        """One more value that every run is given. All are declared before the first step."""
        return self._add(example, frozenset([len(self.examples)]))

    def step(self, function: Callable[..., Any], *operands: Any) -> Place:
        """A call whose result depends on its operands alone; the same call is made once."""
        # 0.0 and -0.0 are equal, and what is made of them is not.
        key = (function, tuple([x if type(x) is Place else repr(x) for x in operands]))
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
        self._draws += 1
        if generator not in self._generators:
            self._generators.append(generator)
        return self._add(example, frozenset([None]))

    def export(self, place: Place) -> None:
        """Hand a value on to the program, as its next input."""
        self.exports.append(place)

    def finish(self) -> None:
        """There are no more steps: put those first that no draw has a part in.

        A step may fail, and eager code is to draw the same numbers then.
        """
        first = len(self.examples) - len(self.steps)
        steps = [(first + i, *step) for i, step in enumerate(self.steps)]
        later = [x for x in steps if None in self.origins[x[0]]]
        self._order = [x for x in steps if None not in self.origins[x[0]]] + later
        self._may_fail_after_draws = len(later) > self._draws
        self.examples = []

    def run(self, given: Sequence[Any]) -> list[Any]:
        """All values, in the order of their places.

        Where a step fails, generators are as they were before.
        """
        values = [*given, *self.steps]
        if not self._may_fail_after_draws:
            return self._run(values)
        generators = [values[place.number].bit_generator for place in self._generators]
        states = [x.state for x in generators]
        try:
            return self._run(values)
        except Exception:
            for generator, state in zip(generators, states, strict=True):
                generator.state = state
            raise

    def _run(self, values: list[Any]) -> list[Any]:
        for place, function, operands in self._order:
            values[place] = function(
                *[values[x.number] if type(x) is Place else x for x in operands]
            )
        return values

    def _add(self, example: Any, origins: frozenset[int | None]) -> Place:
        self.examples.append(example)
        self.origins.append(origins)
        return Place(len(self.examples) - 1)
