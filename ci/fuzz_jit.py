"""Random programs jitted, against xad itself without jit; JAX takes no part.

Under each word the program is jitted at every place: around all letters (C first), between them,
and around the program itself. Around all, it is recorded, optimised and compiled:

    replayed      what was recorded, operation by operation: bit for bit the eager values
    plain         the same, compiled without any pass: bit for bit
    optimised     after the passes, compiled by the plain generator: bit for bit if each operation
                  of the optimised program was recorded just so, else to 1e-12 of the largest value
    C...          `xad.jit` itself, called three times, at two points: bit for bit if the same is
                  true and no operation adds anything up (code for one library may do that in
                  another order), else to 1e-12

Further in, the other transformations go through the jitted function: bit for bit. Where a program
has complex numbers, 1e-12 is the bound throughout: NumPy multiplies complex scalars, which its
functions return in place of arrays without axes, by other code than arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

import numpy as np
from fuzz_checks import Plan, Tally, shrunken
from fuzz_programs import Program, UnusableError, is_tame, random_program
from fuzz_words import THREE_DEEP, TWO_DEEP, Setting, Xad, distance, spelled

import xad
from xad import tree
from xad.core.recording import Instruction, Variable
from xad.programs.costs import MOVING
from xad.programs.listing import Listing
from xad.programs.optimise import optimise
from xad.programs.plain import compile_plain

TOLERANCE = 1e-12
IN_PLACE = {*MOVING.split(), "arriving", "where", "max", "min", "sort"}
WORDS = ["", "G", "J", "V", "P", *TWO_DEEP]
XAD = Xad()


class Judge:
    """What xad makes of one program, jitted and not."""

    def __init__(self, program: Program) -> None:
        self.setting: Setting = program.setting
        self.function = program.maker()(XAD.names)
        here, shift = self.setting.point, self.setting.shift
        self.points = [here, tree.map(lambda x, d: x + 0.25 * d, here, shift)]
        if self.setting.tensors:
            self.points = [tree.map(xad.asarray, point) for point in self.points]

    @cache  # noqa: B019 - a judge lives as long as its program
    def eager(self, letters: str) -> list[list[Any]]:
        """The values at both points, without jit."""
        f = spelled(letters, self.function, XAD, self.setting)
        return [XAD.run(f, point) for point in self.points]

    def faults(self, letters: str) -> Iterator[tuple[str, str, float, bool]]:
        """The ways to compute a word: what is wrong (or ""), by how much, whether to the bit."""
        expected = self.eager(letters)
        f = spelled(letters, self.function, XAD, self.setting)
        program = xad.make_program(f)(self.points[0])
        recorded = program.listing
        least = TOLERANCE if is_complex(recorded) else 0.0
        yield self._judged("replayed", [XAD.run(program, x) for x in self.points], expected, least)
        yield self._judged("plain", self._compiled(recorded), expected, least)

        optimised = optimise(recorded)
        allowed = TOLERANCE if rewritten(recorded, optimised) else least
        yield self._judged("optimised", self._compiled(optimised), expected, allowed)

        jitted = xad.jit(f)
        kept = [tree.leaves(jitted(self.points[i])) for i in (0, 1, 0)]
        found = [[XAD.host(x) for x in leaves] for leaves in kept]
        if any(map(adds_up, optimised.instructions)):
            allowed = TOLERANCE
        yield self._judged("C" + letters, found, [*expected, expected[0]], allowed)

        for i in range(1, len(letters) + 1):
            inner = xad.jit(spelled(letters[i:], self.function, XAD, self.setting))
            f = spelled(letters[:i], inner, XAD, self.setting)
            word = f"{letters[:i]}C{letters[i:]}"
            yield self._judged(word, [XAD.run(f, self.points[0])], expected[:1], least)

    def _compiled(self, listing: Listing) -> list[list[Any]]:
        run = compile_plain(listing).run
        with np.errstate(all="ignore"):
            return [list(map(XAD.host, run(arrays_of(x)))) for x in self.points]

    def _judged(
        self, way: str, got: list[list[Any]], expected: list[list[Any]], allowed: float
    ) -> tuple[str, str, float, bool]:
        """The way, what is wrong with it, the distance, and whether no bit differs."""
        pairs = list(zip(got, expected, strict=True))
        same = all(is_same(x, y) for x, y in pairs)
        found = 0.0 if same else max(apart(x, y) for x, y in pairs)
        if same or found <= allowed:
            return way, "", found, same
        return way, f"they differ by {found:.3g}, {allowed:.0e} is allowed", found, same


def arrays_of(point: Any) -> list[Any]:
    """The leaves as plain arrays."""
    return [np.asarray(XAD.host(x)) for x in tree.leaves(point)]


def is_same(got: list[Any], expected: list[Any]) -> bool:
    """Whether all bits are the same, but for the signs of NaN."""
    return len(got) == len(expected) and all(
        x.dtype == y.dtype and np.array_equal(x, y, equal_nan=True)
        for x, y in zip(got, expected, strict=True)
    )


def apart(got: list[Any], expected: list[Any]) -> float:
    """As `distance`; NaN and infinity must stand in the same places."""
    if [(x.shape, x.dtype) for x in got] != [(x.shape, x.dtype) for x in expected]:
        return float("inf")
    whole = [np.isfinite(y) for y in expected]
    for x, y, finite in zip(got, expected, whole, strict=True):
        if not np.array_equal(x[~finite], y[~finite], equal_nan=True):
            return float("inf")
    return distance(
        [x[finite] for x, finite in zip(got, whole, strict=True) if finite.any()],
        [y[finite] for y, finite in zip(expected, whole, strict=True) if finite.any()],
    )


def is_complex(listing: Listing) -> bool:
    """Whether there are complex numbers in it."""
    return any("complex" in str(kind) for kind in listing.kinds.values())


def adds_up(instruction: Instruction) -> bool:
    """Whether its result depends on the order in which elements are taken."""
    primitive = instruction.primitive
    return not primitive.elementwise and primitive.name not in IN_PLACE


def rewritten(recorded: Listing, optimised: Listing) -> bool:
    """Whether the second has an operation, or a constant, on values that the first has not."""
    known = expressions(recorded)
    return not expressions(optimised) <= known


def expressions(listing: Listing) -> set[Any]:
    """Every variable as the expression that makes it, so that names do not matter."""
    of: dict[Variable, Any] = {v: ("input", i) for i, v in enumerate(listing.inputs)}
    of |= {v: ("constant", np.asarray(x).tobytes()) for v, x in listing.constants.items()}
    numbers: dict[Any, int] = {}

    def number(expression: Any) -> int:
        return numbers.setdefault(expression, hash(expression))

    for v, expression in of.items():
        of[v] = number(expression)
    for primitive, operands, params, outputs, _ in listing.instructions:
        places = tuple([of[x] if type(x) is Variable else repr(x) for x in operands])
        for i, v in enumerate(outputs):
            of[v] = number((primitive.name, places, repr(params), i))
    outputs = tuple([of[x] if type(x) is Variable else repr(x) for x in listing.outputs])
    number(("outputs", outputs))
    return set(numbers.values())


def check(plan: Plan, number: int) -> Tally:
    """Check one program: under every word of up to two letters, and one of three."""
    tally = Tally()
    random = Random(f"{plan.seed}/{number}")
    try:
        program = random_program(random, most=plan.longest)
    except UnusableError as error:
        tally.skipped[str(error)] += 1
        return tally
    tally.lines = len(program.lines)
    judge = Judge(program)
    for letters in [*WORDS, random.choice(THREE_DEEP)]:
        try:
            for way, text, found, same in judge.faults(letters):
                if text:
                    tally.failures.append(report(plan, number, program, letters, way, text))
                    return tally
                tally.notes["values compared"] += 1
                tally.notes["the same to the bit"] += same
                tally.worst = max(tally.worst, found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            text = f"raises {type(error).__name__}: {error}"
            tally.failures.append(report(plan, number, program, letters, "some way", text))
            return tally
        tally.words[letters] += 1
    tally.agreed = 1
    return tally


def report(plan: Plan, number: int, program: Program, letters: str, way: str, text: str) -> str:
    """The failure as code that shows it, made as small as it gets."""
    first = failing(letters)
    smallest = shrunken(program, first) if first(program) else program
    setting = repr(smallest.setting).replace("array(", "np.asarray(")
    return f"""# seed {plan.seed}, program {number}, {letters!r}, {way}: {text}
import sys
sys.path[:0] = ["ci", "."]
import numpy as np
from fuzz_jit import compare
from fuzz_words import Setting

{smallest.source()}

setting = {setting}
compare("{letters}", program, setting)
"""


def failing(letters: str) -> Callable[[Program], bool]:
    """Whether a program, still tame, has a fault under a word."""

    def fails(candidate: Program) -> bool:
        try:
            found = any(text for _, text, _, _ in Judge(candidate).faults(letters))
        except Exception:  # noqa: BLE001 - a finding too
            found = True
        return found and is_tame(candidate)

    return fails


def compare(letters: str, make: Callable[[Any], Any], setting: Setting) -> None:
    """Print how each way to compute a word differs from xad without jit."""

    class Given:
        def __init__(self) -> None:
            self.setting = setting

        def maker(self) -> Callable[[Any], Any]:
            return make

    judge = Judge(Given())  # type: ignore[arg-type]
    print("eager:", *[x.tolist() for x in judge.eager(letters)[0]])
    for way, text, found, same in judge.faults(letters):
        print(f"{way}:", text or ("the same to the bit" if same else f"within {found:.3g}"))
