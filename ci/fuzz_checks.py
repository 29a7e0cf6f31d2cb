"""Run a random program under its words by both libraries, and make what fails small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import numpy as np
from fuzz_jax import Jax
from fuzz_programs import Program, UnusableError, is_tame, random_program
from fuzz_words import THREE_DEEP, TWO_DEEP, Xad, distance, values

TOLERANCE = 1e-9


@dataclass
class Tally:
    """What came out of some programs."""

    words: Counter[str] = field(default_factory=Counter)
    agreed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    worst: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many programs these are."""
        return self.agreed + sum(self.skipped.values()) + len(self.failures)

    def summary(self, rival: str = "JAX") -> str:
        """In a few lines."""
        two = [count for word, count in self.words.items() if len(word) == 2]
        three = [count for word, count in self.words.items() if len(word) == 3]
        reasons = [f"\n  {count} {note}" for note, count in self.notes.items()]
        reasons += [f"\n  skipped {count}: {reason}" for reason, count in self.skipped.items()]
        return (
            f"fuzz: {self.agreed} of {self.done} programs agree with {rival}, "
            f"{len(self.failures)} disagree, {sum(self.skipped.values())} skipped; "
            f"{self.lines / max(self.done, 1):.1f} operations each; "
            f"{len(two)} words of two letters {sum(two)} times, {len(three)} of three "
            f"{sum(three)} times; largest difference {self.worst:.1e};{''.join(reasons)}"
        )

    def add(self, other: Tally) -> None:
        """Count the other's programs too."""
        self.words.update(other.words)
        self.skipped.update(other.skipped)
        self.notes.update(other.notes)
        self.agreed += other.agreed
        self.lines += other.lines
        self.worst = max(self.worst, other.worst)
        self.failures += other.failures


jax = cache(Jax)


class Judge:
    """What JAX and xad make of one program, word by word."""

    def __init__(self, program: Program, literal: bool) -> None:
        self.program = program
        self.setting = program.setting
        self.literal = literal
        self.function = program.maker()(XAD.names)
        self._theirs: Any = None
        self._known: dict[str, Any] = {}

    def expected(self, word: str) -> Any:
        """JAX's values. P changes none: words that differ in it are one, if not literal."""
        library = jax(self.literal)
        if self._theirs is None:
            f = self.program.maker()(library.names)
            self._theirs = library.prepared(f, self.setting.point)
        short = word if self.literal else word.replace("P", "")
        if short not in self._known:
            self._known[short] = values(library, short, self._theirs, self.setting)
        return self._known[short]

    def fault(self, word: str) -> tuple[str, float]:
        """What is wrong with xad's values: a text, empty if nothing is; and the distance.

        Errors: SkippedError where JAX has no numbers to compare with.
        """
        try:
            expected = self.expected(word)
        except Exception as error:
            raise SkippedError(f"JAX raises {type(error).__name__}: {error}") from error
        if not all(np.all(np.isfinite(x)) for x in expected):
            raise SkippedError("JAX gives nan or inf")
        try:
            got = values(XAD, word, self.function, self.setting)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            return f"xad raises {type(error).__name__}: {error}", 0.0
        found = distance(got, expected)
        return ("" if found <= TOLERANCE else f"they differ by {found:.3g}"), found


XAD = Xad()


class SkippedError(Exception):
    """Nothing to compare with."""


@dataclass(frozen=True)
class Plan:
    """What to run: see the options of ci/fuzz."""

    seed: int
    longest: int = 30
    literal: bool = False


def check(plan: Plan, number: int) -> Tally:
    """Check one program: under every word of two letters, and one of three."""
    tally = Tally()
    random = Random(f"{plan.seed}/{number}")
    try:
        program = random_program(random, most=plan.longest)
    except UnusableError as error:
        program = error.program
    judge = Judge(program, plan.literal)
    tally.lines = len(program.lines)
    for word in [*TWO_DEEP, random.choice(THREE_DEEP)]:
        try:
            text, found = judge.fault(word)
        except SkippedError as error:
            tally.skipped[str(error)[:100]] += 1
            return tally
        if text:
            tally.failures.append(report(plan, number, program, word, text))
            return tally
        tally.words[word] += 1
        tally.worst = max(tally.worst, found)
    tally.agreed = 1
    return tally


def check_all(check: Callable[[Plan, int], Tally], plan: Plan, numbers: list[int]) -> Tally:
    """Check some programs, each in this way."""
    tally = Tally()
    for number in numbers:
        tally.add(check(plan, number))
    return tally


def report(plan: Plan, number: int, program: Program, word: str, text: str) -> str:
    """The failure as code that shows it, made as small as it gets."""

    def fails(candidate: Program) -> bool:
        try:
            return bool(Judge(candidate, plan.literal).fault(word)[0]) and is_tame(candidate)
        except Exception:  # noqa: BLE001 - another failure than the one to be made smaller
            return False

    if fails(program):
        program = shrunken(program, fails)
        text = Judge(program, plan.literal).fault(word)[0]
    setting = repr(program.setting).replace("array(", "np.asarray(")
    return f"""# seed {plan.seed}, program {number}, word {word}: {text}
import sys
sys.path[:0] = ["ci", "."]
import numpy as np
from fuzz_words import Setting, compare

{program.source()}

setting = {setting}
compare("{word}", program, setting)
"""


def shrunken(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The program with as few lines and terms as it takes to fail."""
    for smaller in program.smaller():
        if fails(smaller):
            return shrunken(smaller, fails)
    return program
