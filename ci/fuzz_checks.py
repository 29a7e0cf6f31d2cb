"""Run a random program under its words by both libraries, and make what fails small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import numpy as np
from fuzz_programs import Program, UnusableError, is_tame, random_program
from fuzz_jax import Jax
from fuzz_words import THREE_DEEP, TWO_DEEP, Xad, distance, values

TOLERANCE = 1e-9


@dataclass
class Tally:
    """What came out of some programs."""

    words: Counter[str] = field(default_factory=Counter)
    agreed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    worst: float = 0.0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count the other's programs too."""
        self.words.update(other.words)
        self.skipped.update(other.skipped)
        self.agreed += other.agreed
        self.lines += other.lines
        self.worst = max(self.worst, other.worst)
        self.failures += other.failures


jax = cache(Jax)


class Judge:
    """What JAX and xad make of one program, word by word."""

    def __init__(self, program: Program, literal: bool = False) -> None:
        self.setting = program.setting
        self.make = program.maker()
        self.literal = literal
        self._known: dict[str, Any] = {}

    def expected(self, word: str) -> Any:
        """JAX's values. Where it does not compile, P changes nothing: such words are one."""
        short = word if self.literal else word.replace("P", "")
        if short not in self._known:
            self._known[short] = values(jax(self.literal), short, self.make, self.setting)
        return self._known[short]

    def fault(self, word: str) -> tuple[str, float]:
        """What is wrong with xad's values: a text, empty if nothing is; and the distance.

        Errors: SkippedError where JAX has no numbers to compare with.
        """
        try:
            expected = self.expected(word)
        except Exception as error:
            raise SkippedError(f"JAX raises {type(error).__name__}") from error
        if not all(np.all(np.isfinite(x)) for x in expected):
            raise SkippedError("JAX gives nan or inf")
        try:
            got = values(XAD, word, self.make, self.setting)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            return f"xad raises {type(error).__name__}: {error}", 0.0
        found = distance(got, expected)
        return ("" if found <= TOLERANCE else f"they differ by {found:.3g}"), found


XAD = Xad()


class SkippedError(Exception):
    """Nothing to compare with."""


def check(seed: int, number: int, words: int, longest: int) -> Tally:
    """Check one program: under ``words`` words of two letters, in turn, and one of three."""
    tally = Tally()
    random = Random(f"{seed}/{number}")
    try:
        program = random_program(random, most=longest)
    except UnusableError as error:
        program = error.program
    start = number * words
    chosen = [TWO_DEEP[(start + i) % len(TWO_DEEP)] for i in range(words)]
    judge = Judge(program)
    tally.lines = len(program.lines)
    for word in [*chosen, random.choice(THREE_DEEP)]:
        try:
            text, found = judge.fault(word)
        except SkippedError as error:
            tally.skipped[f"{error}: {error.__cause__}"[:100]] += 1
            return tally
        if text:
            tally.failures.append(report(seed, number, program, word, text))
            return tally
        tally.words[word] += 1
        tally.worst = max(tally.worst, found)
    tally.agreed = 1
    return tally


def report(seed: int, number: int, program: Program, word: str, text: str) -> str:
    """The failure as code that shows it, made as small as it gets."""

    def fails(candidate: Program) -> bool:
        try:
            return bool(Judge(candidate).fault(word)[0]) and is_tame(candidate)
        except Exception:  # noqa: BLE001 - another failure than the one to be made smaller
            return False

    if fails(program):
        program = shrunken(program, fails)
        text = Judge(program).fault(word)[0]
    setting = repr(program.setting).replace("array(", "np.asarray(")
    return "\n".join(
        [
            f"# seed {seed}, program {number}, word {word}: {text}",
            "import sys",
            "import numpy as np",
            'sys.path[:0] = ["ci", "."]',
            "from fuzz_words import Setting, compare",
            "",
            program.source(),
            "",
            f"setting = {setting}",
            f'compare("{word}", program, setting)',
        ]
    )


def shrunken(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The program with as few lines and terms as it takes to fail."""
    for smaller in program.smaller():
        if fails(smaller):
            return shrunken(smaller, fails)
    return program
