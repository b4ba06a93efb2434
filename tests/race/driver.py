"""Execute a plan on a store, and record the observations of each actor.

`stepped` runs one call to the store at a time, and draws each turn from a seed. The same plan and seed give
the same history. `parallel` lets threads run freely.
"""

from __future__ import annotations

import itertools
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Protocol, cast

from s3_lambda_api.keys import POINTER_KEY, ObjectName
from s3_lambda_api.latest import latest
from s3_lambda_api.record import record
from s3_lambda_api.search import Rules
from tests.race.history import Operation
from tests.race.plan import BASE, NEVER_STALE, TOLERANCE, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from s3_lambda_api.store import WritableStore


class RaceStore(Protocol):
    """A writer's store whose pointer can be damaged."""

    def put(self, key: str, body: bytes) -> object: ...
    def delete(self, key: str) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """The writing and reading code: the real one, or a mutant."""

    write: Callable[[WritableStore, ObjectName, Rules], object]
    read: Callable[[WritableStore, Rules], ObjectName | None]


def _real_write(store: WritableStore, name: ObjectName, rules: Rules) -> object:
    return record(store, name, rules, pause=lambda _: None)


def _real_read(store: WritableStore, rules: Rules) -> ObjectName | None:
    found = latest(store, rules)
    return found.stored.name if found else None


REAL = Conduct(write=_real_write, read=_real_read)


class KilledError(Exception):
    """The writer died."""


@dataclass(slots=True)
class Watched:
    """A store that reports every call before it is made."""

    store: RaceStore
    before: Callable[[str], None]

    def __getattr__(self, operation: str) -> Callable[..., object]:
        call = getattr(self.store, operation)

        def watched(*arguments: object) -> object:
            self.before(operation)
            result: object = call(*arguments)
            return result

        return watched


@dataclass(slots=True)
class Actor:
    """Executes one task.

    Attributes:
        task: The task.
        store: The store.
        conduct: The code that carries out the task.
        clock: Gives the time for the history.
        turn: Called at the start and before every call to the store. Returns when it is the actor's turn.
        calls: The calls so far.
    """

    task: Task
    store: RaceStore
    conduct: Conduct
    clock: Callable[[], int]
    turn: Callable[[], None]
    calls: list[str] = field(default_factory=list)

    def act(self) -> Operation | None:
        """Execute the task, and return its operation, or None if it is not part of the history."""
        self.turn()
        if self.task.kind == "damage":
            self._damage()
            return None
        begin = self.clock()
        try:
            name, killed = self._operate(), False
        except KilledError:
            name, killed = self.task.name, True
        end = None if killed else self.clock()
        kind = self.task.kind
        return Operation(kind=kind, name=name, begin=begin, end=end, calls=tuple(self.calls))

    def _operate(self) -> ObjectName | None:
        store = cast("WritableStore", Watched(self.store, self._before))
        rules = Rules(BASE + self.task.skew, self.task.interval, TOLERANCE)
        if self.task.name is None:
            return self.conduct.read(store, rules)
        self.conduct.write(store, self.task.name, rules)
        return self.task.name

    def _before(self, operation: str) -> None:
        if operation == self.task.killed_before:
            raise KilledError
        self.turn()
        self.calls.append(operation)

    def _damage(self) -> None:
        if self.task.damage == "delete":
            self.store.delete(POINTER_KEY)
        else:
            self.store.put(POINTER_KEY, b"{")


def primed(store: RaceStore) -> Operation:
    """Write a first object, so that there is a pointer."""
    name = ObjectName(BASE - timedelta(hours=1), "00000000")
    REAL.write(cast("WritableStore", store), name, Rules(BASE, NEVER_STALE, TOLERANCE))
    return Operation(kind="write", name=name, begin=-1, end=0)


def stepped(
    plan: Sequence[Task], store: RaceStore, *, seed: int, width: int = 8, conduct: Conduct = REAL
) -> list[Operation]:
    """Run a plan with some actors at a time, one call after the other."""
    return _Stage(plan, store, conduct, Random(seed)).run(width)  # noqa: S311 - it is to be repeatable


def parallel(
    plan: Sequence[Task], store: RaceStore, *, width: int = 8, conduct: Conduct = REAL
) -> list[Operation]:
    """Run a plan on several threads."""
    ticks = itertools.count(1)  # a call of next() is one step of the interpreter: no two are the same

    def act(task: Task) -> Operation | None:
        return Actor(task, store, conduct, lambda: next(ticks), lambda: None).act()

    with ThreadPoolExecutor(width) as pool:
        return [seen for seen in pool.map(act, plan) if seen is not None]


class _Stage:
    """Threads that take turns. All but one wait."""

    def __init__(self, plan: Sequence[Task], store: RaceStore, conduct: Conduct, dice: Random) -> None:
        self._waiting: Iterator[Task] = iter(plan)
        self._store, self._conduct, self._dice = store, conduct, dice
        self._time = itertools.count(1)
        self._stopped: queue.SimpleQueue[threading.Event | Operation | BaseException | None] = (
            queue.SimpleQueue()
        )

    def run(self, width: int) -> list[Operation]:
        ready = [gate for _ in range(width) if (gate := self._next_actor())]
        history: list[Operation] = []
        while ready:
            ready.pop(self._dice.randrange(len(ready))).set()
            stopped = self._stopped.get()
            if isinstance(stopped, BaseException):
                raise stopped
            if isinstance(stopped, Operation):
                history.append(stopped)
            gate = stopped if isinstance(stopped, threading.Event) else self._next_actor()
            ready += [gate] if gate else []
        return history

    def _next_actor(self) -> threading.Event | None:
        """Start the next task's thread, which waits for its first turn."""
        task = next(self._waiting, None)
        if task is None:
            return None
        threading.Thread(target=self._live, args=(task,), daemon=True).start()
        gate = self._stopped.get()
        if isinstance(gate, BaseException):
            raise gate
        return cast("threading.Event", gate)

    def _live(self, task: Task) -> None:
        actor = Actor(task, self._store, self._conduct, lambda: next(self._time), self._wait)
        try:
            self._stopped.put(actor.act())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            self._stopped.put(error)

    def _wait(self) -> None:
        gate = threading.Event()
        self._stopped.put(gate)
        gate.wait()
