from __future__ import annotations

import time
from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING

from harness.aws import outbox
from harness.aws.eventbridge import send
from harness.values import Sent
from tests.unit.aws.eventbridge.test_send import EVENT

if TYPE_CHECKING:
    import pytest


def test_what_is_sent_is_remembered_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_SENT", deque())  # without what other tests have sent
    client = SimpleNamespace(put_events=lambda **_: {"Entries": [{"EventId": "e-outbox"}]})
    before = time.time()

    event = send.put_event(client, EVENT)
    message = outbox.remember(Sent(arn="arn:aws:sqs:::q", id="m-outbox", payload=""))

    assert before <= (outbox.sent_at(event) or 0) <= time.time()
    assert outbox.sent_since(before) == [event, message]
    assert outbox.sent_since(time.time() + 1) == []
    assert outbox.sent_at(EVENT) is None
