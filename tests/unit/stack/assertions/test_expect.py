from __future__ import annotations

import pytest

from harness import ExpectationError
from harness.stack.assertions.expect import expect, retry_until_passes


def test_what_is_expected_passes_and_anything_else_is_an_error_with_both() -> None:
    expect("colour", "red", "red")

    with pytest.raises(ExpectationError, match="colour: expected 'red', got 'blue'") as caught:
        expect("colour", "red", "blue")

    assert (caught.value.expected, caught.value.got) == ("red", "blue")


def test_a_check_that_passes_later_is_waited_for() -> None:
    seen = iter(["blue", "red"])

    def check() -> str:
        colour = next(seen)
        expect("colour", "red", colour)
        return colour

    assert retry_until_passes(check, timeout=5) == "red"


def test_a_check_may_return_nothing() -> None:
    tries: list[int] = []

    retry_until_passes(lambda: tries.append(1), timeout=0)

    assert tries == [1]


def test_what_the_check_raised_last_is_raised_when_the_time_is_up() -> None:
    with pytest.raises(ExpectationError, match="colour: expected 'red', got 'blue'"):
        retry_until_passes(lambda: expect("colour", "red", "blue"), timeout=0)


def test_any_other_error_ends_the_wait() -> None:
    with pytest.raises(ZeroDivisionError):
        retry_until_passes(lambda: 1 / 0, timeout=5)
