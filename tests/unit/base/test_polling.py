from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from harness import NotReachedError, eventually
from harness.base import polling


@dataclass
class ManualClock:
    now: float = 0.0
    naps: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.naps.append(seconds)
        self.now += seconds


def test_it_returns_the_first_value_that_is_accepted() -> None:
    values = iter([0, 1, 2, 3])

    seen = eventually(lambda: next(values), until=lambda n: n >= 2, what="two", clock=ManualClock())

    assert seen == 2


def test_it_looks_at_once_and_does_not_sleep_when_all_is_well() -> None:
    clock = ManualClock()

    assert eventually(lambda: "yes", what="yes", clock=clock) == "yes"
    assert clock.naps == []


def test_it_gives_up_at_the_deadline_with_what_it_saw_last() -> None:
    clock = ManualClock()
    values = iter(range(100))

    with pytest.raises(NotReachedError, match=r"waited 1 s for the moon; last seen: 4") as caught:
        eventually(
            lambda: next(values), until=lambda _: False, what="the moon", timeout=1, interval=0.3, clock=clock
        )

    assert (caught.value.what, caught.value.timeout, caught.value.last) == ("the moon", 1, 4)
    assert clock.now == pytest.approx(1)


def test_it_looks_once_more_after_a_probe_that_overran_the_deadline() -> None:
    clock = ManualClock()
    tries: list[float] = []

    def slow_probe() -> bool:
        tries.append(clock.now)
        clock.now += 5
        return len(tries) == 2

    assert eventually(slow_probe, what="the second try", timeout=1, clock=clock)


def test_an_error_of_the_probe_ends_the_wait() -> None:
    def broken() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        eventually(broken, what="anything", clock=ManualClock())


def test_without_limits_only_the_condition_ends_a_wait_or_that_it_can_not_come_true() -> None:
    values = iter(range(100))
    with polling.without_limits():
        seen = eventually(
            lambda: next(values), until=lambda n: n == 50, what="50", timeout=1, clock=ManualClock()
        )
        with pytest.raises(NotReachedError, match="it is lost"):
            eventually(lambda: 0, unless=lambda: "it is lost", what="1", timeout=1, clock=ManualClock())
        assert polling.limit(3.0) is None

    assert seen == 50
    assert polling.limit(3.0) == 3.0
