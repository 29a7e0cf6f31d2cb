"""What long runs, threads, exceptions and Ctrl-C leave behind: nothing, and right results."""

from __future__ import annotations

import contextlib
import dis
import gc
import signal
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

import xad
from xad import nn
from xad.backend import locks
from xad.backend.selection import selected
from xad.core import pause
from xad.transforms import debugging

PACKAGE = str(Path(xad.__file__).parent)


def state():
    """All that a transformation or a block might leave behind in the thread or the process."""
    locks.settle()
    if locks._holders:  # what a traceback in a cycle still needs
        gc.collect()
        locks.settle()
    return {
        "no_grad": (pause._before.get(), pause.running),
        "selection": selected(),
        "locks": [len(x) for x in (locks._holders, locks._waiting, locks._notes, locks.SHARES)],
        "debug_nans": (xad.debug_nans.is_on(), len(debugging._undo)),
        "NumPy's warnings": np.geterr(),
    }


def living():
    """How many arrays, nodes, programs and other objects of xad's classes there are."""
    modules = [type(x).__module__ for x in gc.get_objects()]
    return sum(isinstance(name, str) and name.partition(".")[0] == "xad" for name in modules)


# ---- leaks ---------------------------------------------------------------------------------------


def growth(work, times):
    """What ``work`` done again and again leaves: objects of xad, garbage in cycles, and bytes.

    Python and NumPy keep small memory to use it again, up to some limit: a leak is what grows in
    each of six rounds. Collecting at the ends of a round empties some of these stores.
    """
    for _ in range(10):
        work()
    gc.collect()
    gc.freeze()  # what is there already need not be looked at
    gc.disable()
    tracemalloc.start()
    try:
        left = []
        for _ in range(6):
            gc.collect()
            objects, (size, _) = living(), tracemalloc.get_traced_memory()
            for _ in range(times):
                work()
            objects = living() - objects
            left.append((objects, gc.collect(), tracemalloc.get_traced_memory()[0] - size))
        return [min(column) for column in zip(*left, strict=True)]
    finally:
        tracemalloc.stop()
        gc.enable()
        gc.unfreeze()


def steps_of_training(here):
    """A step of a small network, as `xad.nn` trains it."""
    generator = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Dense(here.array(generator.normal(size=(3, 4))), here.array(np.zeros(4))),
        nn.tanh,
        nn.Dense(here.array(generator.normal(size=(4, 2))), here.array(np.zeros(2))),
    )
    x, y = here.array(generator.normal(size=(5, 3))), here.array([0, 1, 1, 0, 1], "int64")
    optimizer = nn.Adam(0.01)
    kept = [model, optimizer.init(model)]
    gradient = xad.value_and_grad(lambda model: nn.softmax_cross_entropy(model(x), y))

    def work():
        model, adam = kept
        _, g = gradient(model)
        kept[:] = optimizer.update(g, adam, model)

    return work


def steps_in_place(here):
    """A step as PyTorch's users write it."""
    w = xad.asarray(here.array(np.ones((3, 2))), requires_grad=True)
    x = xad.asarray(here.array(np.ones((4, 3))))

    def work():
        xad.sum(xad.tanh(x @ w)).backward()
        with xad.no_grad():
            w[...] = w - 0.01 * w.grad
        w.grad = None

    return work


def hooks(here):
    x = xad.asarray(here.array([0.3, 0.5]), requires_grad=True)

    def work():
        y = xad.sin(x)
        handle, other = x.register_hook(lambda g: g * 2), y.register_hook(lambda g: g + y)
        xad.sum(y * y).backward()
        handle.remove()
        other.remove()
        x.grad = None

    return work


def derivatives_of_derivatives(here):
    x = xad.asarray(here.array([0.3, 0.5]), requires_grad=True)

    def work():
        slope = xad.sum(x * xad.sin(x)).gradient(x, create_graph=True)
        xad.sum(slope).backward(retain_graph=False)
        x.grad = None

    return work


def caught(here):
    """An error in the midst of a gradient, which the caller survives."""
    x = here.array([0.3, 0.5])

    def fails(x):
        raise ArithmeticError(str(xad.sin(x).shape))

    def work():
        with contextlib.suppress(ArithmeticError):
            xad.grad(fails)(x)

    return work


def debugged(here):
    x = here.array([0.3, 0.5])

    def work():
        with xad.debug_nans():
            xad.grad(chain_summed)(x)

    return work


def assignments(here):
    x = here.array([0.3, 0.5])

    def f(x):
        y = x * 2
        y[0] = xad.sin(x[1])
        y *= x
        return xad.sum(y)

    return lambda: xad.grad(f)(x)


@xad.custom_vjp
def own_reverse(x):
    return xad.sin(x)


own_reverse.defvjp(lambda x: (xad.sin(x), x), lambda x, g: (g * xad.cos(x),))


@xad.custom_jvp
def own_forward(x):
    return xad.sin(x)


own_forward.defjvp(lambda x, t: (xad.sin(x[0]), t[0] * xad.cos(x[0])))


def chain(x):
    return xad.sin(x) * x


def chain_summed(x):
    return xad.sum(chain(x))


def on(x, transformed):
    """What does ``transformed(x)``, for an array of the library."""
    return lambda here: partial(transformed, here.array(x))


VECTOR, ROWS = [0.3, 0.5], [[0.3, 0.5], [0.1, 0.2]]
WORK = {
    "training": steps_of_training,
    "in place": steps_in_place,
    "grad": on(VECTOR, xad.grad(chain_summed)),
    "grad of grad": on(VECTOR, xad.grad(lambda x: xad.sum(xad.grad(chain_summed)(x)))),
    "vjp": on(VECTOR, lambda x: xad.vjp(chain, x)[1](x)),
    "jvp": on(VECTOR, lambda x: xad.jvp(chain, (x,), (x,))),
    "vmap": on(ROWS, xad.vmap(xad.grad(chain_summed))),
    "hessian": on(VECTOR, xad.hessian(chain_summed)),
    "jacobian": on(VECTOR, xad.jacobian(chain)),
    "checkpoint": on(VECTOR, xad.grad(lambda x: xad.sum(xad.checkpoint(chain)(x)))),
    "custom_vjp": on(VECTOR, xad.grad(lambda x: xad.sum(own_reverse(x)))),
    "custom_jvp": on(VECTOR, xad.grad(lambda x: xad.sum(own_forward(x)))),
    "program": on(VECTOR, lambda x: xad.make_program(xad.grad(chain_summed))(x)(x)),
    "linearize": on(VECTOR, lambda x: xad.linearize(chain, x)[1](x)),
    "create_graph": derivatives_of_derivatives,
    "hooks": hooks,
    "debug_nans": debugged,
    "assignment": assignments,
    "an error": caught,
}


@pytest.mark.parametrize("name", WORK)
def test_nothing_piles_up(name, here):
    objects, garbage, size = growth(WORK[name](here), 250 if name == "training" else 100)
    assert objects == 0
    assert garbage == 0
    assert size < 4096


def test_the_measure_sees_a_leak():
    kept = []
    objects, garbage, size = growth(lambda: kept.append(xad.asarray(1.0)), 100)
    assert objects == 100
    assert garbage == 0
    assert size > 100 * 50

    def circle():
        x = [xad.asarray(1.0)]
        x.append(x)

    objects, garbage, _ = growth(circle, 100)
    assert objects == 100
    assert garbage >= 200


# ---- threads -------------------------------------------------------------------------------------


@xad.no_grad()
def untracked(x):
    return x * 2


def in_place(here):
    x = xad.asarray(here.array(VECTOR), requires_grad=True)
    y = xad.sum(chain(x))
    y.backward()
    y.backward()
    return x.grad / 2


def not_tracked(here):
    x = xad.asarray(here.array(VECTOR), requires_grad=True)
    for _ in range(20):
        assert not untracked(x).requires_grad
        assert (x * 2).requires_grad
    with xad.no_grad():
        assert not xad.sum(x).requires_grad
        return xad.grad(chain_summed)(here.array(VECTOR))


def elsewhere(here):
    """Another library selected for this thread alone."""
    assert selected().adapter.name == here.adapter.name
    name = "array_api_strict" if find_spec("array_api_strict") else "numpy"
    with xad.use_backend(name):
        for _ in range(20):
            assert type(xad.asarray([1.0]).value).__module__.partition(".")[0] == name
    assert selected().adapter.name == here.adapter.name
    return xad.grad(chain_summed)(here.array(VECTOR))


JOBS = {
    "grad": lambda here: xad.grad(chain_summed)(here.array(VECTOR)),
    "vmap": lambda here: xad.vmap(xad.grad(chain_summed))(here.array([VECTOR] * 3))[2, :],
    "nested": lambda here: xad.grad(
        lambda x: xad.sum(x * xad.stop_gradient(xad.grad(chain_summed)(x)))
    )(here.array(VECTOR)),
    "program": lambda here: xad.make_program(xad.grad(chain_summed))(here.array(VECTOR))(
        here.array(VECTOR)
    ),
    "checkpoint": lambda here: xad.grad(lambda x: xad.sum(xad.checkpoint(chain)(x)))(
        here.array(VECTOR)
    ),
    "backward": in_place,
    "no_grad": not_tracked,
    "use_backend": elsewhere,
}


@pytest.fixture
def hurried():
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_eight_threads_at_once(here, hurried, close):
    at = np.asarray(VECTOR)
    expected = np.cos(at) * at + np.sin(at)
    before = state()
    together = threading.Barrier(8)

    def run(first):
        jobs = list(JOBS.values())
        together.wait()
        for i in range(24):
            close(jobs[(first + i) % len(jobs)](here), expected)
        return state()

    with ThreadPoolExecutor(8) as threads:
        for after in threads.map(run, range(8)):
            assert after["selection"] == before["selection"]
            assert after["no_grad"][0] == before["no_grad"][0]
    assert state() == before


def test_a_function_decorated_with_no_grad_in_eight_threads_at_once(here):
    together = threading.Barrier(8)

    @xad.no_grad()
    def doubled(x):
        together.wait()
        return x * 2

    def run(_):
        x = xad.asarray(here.array(VECTOR), requires_grad=True)
        return doubled(x).requires_grad, (x * 2).requires_grad

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(run, range(8))) == {(False, True)}


def test_one_graph_walked_by_eight_threads(here, hurried, close):
    x = xad.asarray(here.array(VECTOR), requires_grad=True)
    y = xad.sum(chain(x))
    at = np.asarray(VECTOR)
    with ThreadPoolExecutor(8) as threads:
        for g in threads.map(lambda _: y.gradient(x), range(32)):
            close(g, np.cos(at) * at + np.sin(at))
    assert x.grad is None


def test_no_grad_and_debug_nans_begun_in_one_thread_end_in_it(here, hurried):
    before = state()
    x = xad.asarray(here.array(VECTOR), requires_grad=True)
    wrong = []

    def run(paused):
        for _ in range(30):
            block = xad.no_grad() if paused else contextlib.nullcontext()
            with block, xad.debug_nans() if paused else contextlib.nullcontext():
                y = xad.sin(x)
            if y.requires_grad == paused:
                wrong.append(paused)

    threads = [threading.Thread(target=run, args=(i % 2 == 0,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert state() == before


# ---- exceptions ----------------------------------------------------------------------------------


class ExplodedError(Exception):
    """What a clock raises when it has ticked so often."""


class Clock:
    """Counts the places of a run, those in rules of its own too; one of them may raise."""

    def __init__(self):
        self.ticks, self.end = 0, None

    def tick(self, x):
        self.ticks += 1
        if self.ticks == self.end:
            raise ExplodedError
        return x

    def function(self):
        @xad.custom_jvp
        def inner(x):
            return xad.sin(self.tick(x))

        @inner.defjvp
        def rule(primals, tangents):
            return inner(*primals), self.tick(tangents[0]) * xad.cos(primals[0])

        return lambda x: self.tick(inner(self.tick(x)) * x)


def ones(x):
    return xad.ones_like(x)


def summed(f):
    return lambda x: xad.sum(f(x))


def selecting(f):
    def run(x):
        with xad.use_backend("numpy"), xad.no_grad():
            xad.grad(summed(f))(x)
        return f(x)

    return run


# Each makes a function of a vector from one.
NESTED = {
    "grad": lambda f: xad.grad(summed(f)),
    "vjp": lambda f: lambda x: xad.vjp(f, x)[1](ones(x))[0],
    "jvp": lambda f: lambda x: xad.jvp(f, (x,), (ones(x),))[1],
    "vmap": lambda f: lambda x: xad.vmap(f)(xad.stack([x, x]))[1, :],
    "jacobian": lambda f: lambda x: xad.sum(xad.jacobian(f)(x), axis=0),
    "make_program": lambda f: lambda x: xad.make_program(f)(x)(x),
    "linearize": lambda f: lambda x: xad.linearize(f, x)[1](ones(x)),
    "checkpoint": xad.checkpoint,
    "no_grad": xad.no_grad(),
    "debug_nans": xad.debug_nans(),
    "use_backend": selecting,
}


@pytest.mark.parametrize("inner", NESTED)
@pytest.mark.parametrize("outer", NESTED)
def test_an_exception_anywhere_leaves_no_trace(outer, inner, here):
    clock, before = Clock(), state()
    transformed = NESTED[outer](NESTED[inner](clock.function()))
    x = xad.asarray(here.array(VECTOR))
    expected = here.to_host(transformed(x))
    ticks = clock.ticks
    assert ticks >= 3
    assert state() == before
    for end in range(1, ticks + 1):
        clock.ticks, clock.end = 0, end
        with pytest.raises(ExplodedError):
            transformed(x)
        assert state() == before
    clock.end = None
    np.testing.assert_array_equal(here.to_host(transformed(x)), expected)
    assert state() == before


def test_an_exception_in_a_hook_leaves_the_gradients_alone(here, close):
    x = xad.asarray(here.array(VECTOR), requires_grad=True)
    z = xad.asarray(here.array(VECTOR), requires_grad=True)
    y = xad.sum(chain(x) + z)

    def fails(g):
        raise ExplodedError

    handle = x.register_hook(fails)
    for _ in range(2):
        with pytest.raises(ExplodedError):
            y.backward()
        assert x.grad is None
        assert z.grad is None
    handle.remove()
    y.backward()
    close(z.grad, np.ones(2))


# ---- Ctrl-C --------------------------------------------------------------------------------------


@cache
def looking(code):
    """The instructions after which Python looks whether there was a Ctrl-C."""
    names = ("CALL", "RESUME", "JUMP_BACKWARD")
    return {x.offset for x in dis.get_instructions(code) if x.opname.startswith(names)}


@contextlib.contextmanager
def interrupted_at(n):
    """KeyboardInterrupt at the n-th chance in xad's code from here; yields whether it came.

    The chances are those that Python gives: when a function begins, after a call, at the jump back
    of a loop. Not within __enter__ and __exit__: an interrupt there is one that Python itself
    cannot be made safe against (its documentation says so under "signal handlers and exceptions").
    """
    seen, came = count(1), []

    def trace(frame, event, _):
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_name in ("__enter__", "__exit__"):
            return None
        looks, last = looking(code), None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True

        def trace_instruction(frame, event, _):
            nonlocal last
            if event == "opcode":
                before, last = last, frame.f_lasti
                if before in looks and next(seen) == n:
                    came.append(code.co_name)
                    raise KeyboardInterrupt
            elif event == "exception":
                last = None
            return trace_instruction

        return trace_instruction

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield came
    except KeyboardInterrupt:
        assert came
    finally:
        sys.settrace(before)


def interrupted(begin, every=1):
    """Run ``begin()()`` again and again, interrupted some chances later each time, to its end."""
    for n in count(1, every):
        work = begin()
        with interrupted_at(n) as came:
            work()
        if not came:
            return
        yield n


class Training:
    """Two parameters, a graph over them, and what a step of training should make of it."""

    def __init__(self, here):
        self.w = xad.asarray(here.array(np.ones((2, 2))), requires_grad=True)
        self.b = xad.asarray(here.array([0.5, -0.5]), requires_grad=True)
        self.x = xad.asarray(here.array(ROWS))
        self.loss().backward()
        self.old = self.grads(here)

    def loss(self):
        return xad.sum(xad.tanh(self.x @ self.w + self.b) ** 2)

    def check(self, here, times):
        for g, old in zip(self.grads(here), self.old, strict=True):
            np.testing.assert_allclose(g, times * old, rtol=1e-5)

    def grads(self, here):
        return [here.to_host(self.w.grad).copy(), here.to_host(self.b.grad).copy()]


def test_gradients_after_ctrl_c_are_all_old_or_all_new(here):
    begun = []

    def begin():
        begun[:] = [Training(here)]
        return lambda: begun[0].loss().backward()

    found = set()
    for _ in interrupted(begin):
        (training,) = begun
        times = round(float(training.grads(here)[0].ravel()[0] / training.old[0].ravel()[0]))
        found.add(times)
        training.check(here, times)
        training.loss().backward()
        training.check(here, times + 1)
    assert found in ({1}, {1, 2})


def test_a_tensor_after_ctrl_c_in_an_assignment_is_old_or_new(here):
    begun = []

    def begin():
        x = xad.asarray(here.array(VECTOR), requires_grad=True)
        begun[:] = [x, x * 2]
        y = begun[1]

        def work():
            y[0] = x[1]

        return work

    for _ in interrupted(begin):
        x, y = begun
        values = here.to_host(y).tolist()
        assert values in (pytest.approx([0.6, 1.0]), pytest.approx([0.5, 1.0]))
        g = here.to_host(xad.sum(y).gradient(x)).tolist()
        assert g == ([2.0, 2.0] if values[0] == pytest.approx(0.6) else [0.0, 3.0])


@pytest.mark.parametrize("name", [*NESTED, "training"])
def test_all_works_after_ctrl_c(name, here):
    if name == "training":
        work = steps_of_training(here)
        expected = None
    else:
        x = xad.asarray(here.array(VECTOR))
        transformed = NESTED[name](xad.grad(chain_summed))
        expected = here.to_host(transformed(x))
        work = lambda: transformed(x)  # noqa: E731
    before = state()
    every = 97 if name in ("debug_nans", "training") else 17
    interrupts = 0
    for _ in interrupted(lambda: work, every):
        interrupts += 1
        assert state() == before
        again = work()
        if expected is not None:
            np.testing.assert_array_equal(here.to_host(again), expected)
    assert interrupts > 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # others' callbacks
def test_ctrl_c_itself(here):
    if not hasattr(signal, "setitimer"):
        pytest.skip("no timers on this system")
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals arrive in the main thread")
    training, before = Training(here), state()
    begun = perf_counter()
    for _ in range(10):
        training.loss().backward()
    delays = np.random.default_rng(0).uniform(1e-6, 0.2 * (perf_counter() - begun), size=300)

    def interrupt(*_):
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGALRM, interrupt)
    interrupts = 0
    try:
        for delay in delays:
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, delay)
                    training.loss().backward()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupts += 1
            training.w.grad, training.b.grad = None, None
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert interrupts > 10
    assert state() == before
    training.loss().backward()
    training.loss().backward()
    training.check(here, 2)
