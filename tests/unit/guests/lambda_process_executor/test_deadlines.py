"""The deadline of an invocation."""

from __future__ import annotations

import time

from lambda_process_executor.deadlines import POLL, SUSPENDED, Deadline


def test_a_deadline_comes() -> None:
    deadline = Deadline(0.01)
    assert 0 < deadline.wait() <= 0.01
    time.sleep(0.02)
    assert deadline.wait() <= 0


def test_it_is_put_off_while_it_is_suspended_and_then_begins_anew() -> None:
    suspended = [True]
    deadline = Deadline(0.05, lambda: suspended[0])
    time.sleep(0.1)
    assert deadline.wait() == POLL
    assert deadline.epoch_ms() > (time.time() + SUSPENDED - 60) * 1000

    suspended[0] = False
    assert 0 < deadline.wait() <= 0.05
    assert deadline.epoch_ms() <= (time.time() + 0.05) * 1000
