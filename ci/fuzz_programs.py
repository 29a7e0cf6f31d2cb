"""Random programs: straight-line functions from a tree of arrays to a tree of the same shapes.

A program is made while it runs on NumPy's arrays, so that every step can be kept where it is
smooth: away from ties and jumps, values and slopes of moderate size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from fuzz_operations import (
    GUARDS,
    MOST_AXES,
    MOST_ELEMENTS,
    Pool,
    Shape,
    along_an_axis,
    of_a_matrix,
    of_one,
    of_three,
    of_two,
    product,
    reduction,
    transformed,
)
from fuzz_rearrangements import changed, indexed, joined, reshaped
from fuzz_words import Setting, Xad

from xad import tree

MAKERS = (
    *(of_one, of_one, of_two, of_two, of_three, reduction, along_an_axis, along_an_axis),
    *(product, of_a_matrix, reshaped, joined, indexed, indexed, changed, transformed),
)
LARGEST = 5.0
STEEPEST = 20.0
SHIFTS = 4
"""Words of three letters call a program at 0 to 3 shifts from its point."""
STEP = 1e-6


@dataclass(frozen=True)
class Form:
    """A tree of arrays: how it is written, where its leaves are, and their shapes."""

    text: str
    places: tuple[str, ...]
    shapes: tuple[Shape, ...]

    def of(self, leaves: list[Any]) -> Any:
        """The tree with these leaves."""
        names = [f"leaves[{i}]" for i in range(len(leaves))]
        return eval(self.text.format(*names), {"leaves": leaves})


FORMS = (
    Form("{0}", ("t",), ((3,),)),
    Form("{0}", ("t",), ((2, 3),)),
    Form("({0}, {1})", ("t[0]", "t[1]"), ((3,), ())),
    Form("[{0}, {1}]", ("t[0]", "t[1]"), ((2,), (2, 2))),
    Form(
        "{{'u': {0}, 'w': ({1}, {2})}}",
        ("t['u']", "t['w'][0]", "t['w'][1]"),
        ((3,), (2, 3), ()),
    ),
)


@dataclass(frozen=True)
class Line:
    """``target = template``, with the operands in the template's places."""

    target: str
    template: str
    operands: tuple[str, ...]
    guard: str = ""
    shape: Shape = ()

    @property
    def expression(self) -> str:
        """What is computed."""
        return self.template.format(*self.operands)

    def with_renamed(self, old: str, new: str) -> Line:
        """The line with another operand in place of one."""
        return replace(self, operands=tuple([new if x == old else x for x in self.operands]))


@dataclass(frozen=True)
class Program:
    """The lines, and for each leaf of the result what is added up in it; and where it is called."""

    form: Form
    setting: Setting
    lines: tuple[Line, ...] = ()
    results: tuple[tuple[Line, ...], ...] = ()

    @property
    def inputs(self) -> list[str]:
        """Names of the argument's leaves."""
        return [f"x{i}" for i in range(len(self.form.shapes))]

    def source(self) -> str:
        """As a function ``program(xp)`` that returns a function of a tree."""
        text = ["def program(xp):", "    def f(t):"]
        pairs = zip(self.inputs, self.form.places, strict=True)
        text += [f"        {name} = {place}" for name, place in pairs]
        text += [f"        {line.target} = {line.expression}" for line in self.lines]
        leaves = [
            " + ".join([f"0.5 * {name}", *[term.expression for term in terms]])
            for name, terms in zip(self.inputs, self.results, strict=True)
        ]
        text += [f"        return {self.form.text.format(*leaves)}", "    return f"]
        return "\n".join(text)

    def maker(self) -> Callable[[Any], Any]:
        """``program`` itself."""
        names: dict[str, Any] = {"np": np}
        exec(self.source(), names)
        made: Callable[[Any], Any] = names["program"]
        return made

    def tidy(self) -> Program:
        """Without the lines that no result needs."""
        wanted = {name for terms in self.results for term in terms for name in term.operands}
        kept: list[Line] = []
        for line in reversed(self.lines):
            if line.target in wanted:
                wanted.update(line.operands)
                kept.insert(0, line)
        return replace(self, lines=tuple(kept))

    def smaller(self) -> Iterator[Program]:
        """All programs with one term or one line less, a like value in its place."""
        for i, terms in enumerate(self.results):
            for j in range(len(terms)):
                fewer = (*terms[:j], *terms[j + 1 :])
                results = (*self.results[:i], fewer, *self.results[i + 1 :])
                yield replace(self, results=results).tidy()
        for k, line in enumerate(self.lines):
            before = dict(zip(self.inputs, self.form.shapes, strict=True))
            before.update({other.target: other.shape for other in self.lines[:k]})
            for name, shape in before.items():
                if shape == line.shape:
                    yield self._without(k, line.target, name)

    def _without(self, k: int, old: str, new: str) -> Program:
        lines = [line.with_renamed(old, new) for i, line in enumerate(self.lines) if i != k]
        results = [tuple(x.with_renamed(old, new) for x in terms) for terms in self.results]
        return replace(self, lines=tuple(lines), results=tuple(results)).tidy()


class Trial:
    """The values of a program's lines at all points where words call it, and a step beside them."""

    def __init__(self, form: Form, setting: Setting) -> None:
        self.contestant = Xad()
        point, shift, direction = (
            tree.leaves(x) for x in (setting.point, setting.shift, setting.direction)
        )
        self.places: list[dict[str, Any]] = [
            {
                f"x{i}": x + k * s + step * d
                for i, (x, s, d) in enumerate(zip(point, shift, direction, strict=True))
            }
            for step in (0.0, STEP)
            for k in range(SHIFTS)
        ]

    def take(self, line: Line) -> Line | None:
        """Run the line if it is tame everywhere; the line with its shape, or None."""
        names = {f"{{{i}}}": name for i, name in enumerate(line.operands)}
        guard = line.guard
        for place, name in names.items():
            guard = guard.replace(place, name)
        main = self.places[:SHIFTS]
        if guard and not all(eval(guard, {**GUARDS, **values}) for values in main):
            return None
        out = [self._run(line, values) for values in self.places]
        shape = out[0].shape
        if len(shape) > MOST_AXES or not 0 < out[0].size <= MOST_ELEMENTS:
            return None
        here, beside = np.stack(out[:SHIFTS]), np.stack(out[SHIFTS:])
        if not np.max(np.abs(here)) <= LARGEST:
            return None
        if not np.max(np.abs(beside - here)) <= STEEPEST * STEP:
            return None
        for values, y in zip(self.places, out, strict=True):
            values[line.target] = y
        return replace(line, shape=shape)

    def _run(self, line: Line, values: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            names = {"xp": self.contestant.names, "np": np, **values}
            return self.contestant.host(eval(line.expression, names))


def is_tame(program: Program) -> bool:
    """Whether all lines are."""
    trial = Trial(program.form, program.setting)
    return all(trial.take(line) is not None for line in program.lines)


class UnusableError(Exception):
    """A line on which xad itself raises; ``program`` ends with it."""

    def __init__(self, program: Program) -> None:
        super().__init__("xad raises")
        self.program = program


def random_program(random: Random, fewest: int = 3, most: int = 30) -> Program:
    """A program of so many lines, short ones more often. Errors: UnusableError."""
    form = random.choice(FORMS)
    program = Program(form, random_setting(random, form))
    pool = Pool(random, dict(zip(program.inputs, form.shapes, strict=True)))
    trial = Trial(form, program.setting)
    length = min(most, fewest + int(random.expovariate(1 / 7)))
    lines: list[Line] = []
    for _ in range(20 * length):
        if len(lines) == length:
            break
        step = random.choice(MAKERS)(pool)
        if step is None:
            continue
        template, operands, guard = step
        line = Line(f"v{len(lines)}", template, operands, guard)
        try:
            taken = trial.take(line) or trial.take(
                replace(line, template=f"xp.tanh(0.2 * ({template}))")
            )
        except Exception as error:
            lines.append(line)
            results = finished(form, [], program.inputs)
            results = ((Line("", "xp.mean({0})", (line.target,)),), *results[1:])
            raise UnusableError(
                replace(program, lines=tuple(lines), results=results).tidy()
            ) from error
        if taken is not None:
            lines.append(taken)
            pool.shapes[taken.target] = taken.shape
            pool.fresh = [x for x in pool.fresh if x not in operands] + [taken.target]
    unused = [line for line in lines if line.target in pool.fresh]
    return replace(
        program, lines=tuple(lines), results=finished(form, unused, program.inputs)
    ).tidy()


def finished(form: Form, unused: list[Line], inputs: list[str]) -> tuple[tuple[Line, ...], ...]:
    """Terms that bring every unused value into the result, where it fits or by its mean square."""
    results: list[list[Line]] = [[] for _ in form.shapes]
    for k, line in enumerate(unused):
        i = next((i for i, s in enumerate(form.shapes) if s == line.shape), k % len(results))
        fits = form.shapes[i] == line.shape or line.shape == ()
        template = "{0}" if fits else "xp.mean({0} * {0})"
        results[i].append(Line("", template, (line.target,)))
    return tuple(tuple(terms) for terms in results)


def random_setting(random: Random, form: Form) -> Setting:
    """Numbers of moderate size, none of them round."""

    def leaves(low: float, high: float) -> list[Any]:
        return [
            np.asarray(
                [round(random.uniform(low, high), 3) for _ in range(int(np.prod(shape)))]
            ).reshape(shape)
            for shape in form.shapes
        ]

    mapped = [i == 0 or random.random() < 0.6 for i in range(len(form.shapes))]
    shift = [np.asarray(x * moves) for x, moves in zip(leaves(-0.2, 0.2), mapped, strict=True)]
    trees = [leaves(-1.5, 1.5), leaves(0.3, 1.2), leaves(-1.0, 1.0), shift]
    return Setting(*[form.of(x) for x in trees], tuple(mapped), random.random() < 0.3)
