from __future__ import annotations

from harness.base.telemetry.signals import Signal


def test_a_value_reaches_who_listens_while_it_does() -> None:
    signal = Signal[int]()
    first: list[int] = []
    second: list[int] = []

    with signal.heard_by(first.append):
        signal.send(1)
        with signal.heard_by(second.append):
            signal.send(2)
        signal.send(3)
    signal.send(4)

    assert first == [1, 2, 3]
    assert second == [2]


def test_it_tells_whether_anybody_listens() -> None:
    signal = Signal[int]()

    assert not signal
    with signal.heard_by(lambda _value: None):
        assert signal
    assert not signal


def test_two_signals_have_their_own_listeners() -> None:
    heard: list[int] = []

    with Signal[int]().heard_by(heard.append):
        Signal[int]().send(1)

    assert heard == []
