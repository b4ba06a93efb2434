from __future__ import annotations

import pytest

from harness.stack.snapshots import state


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("http://127.0.0.1:40001/q", "http://127.0.0.1:50002/q"),
        (
            "http://sqs.eu-west-1.localhost.localstack.cloud:40001/q",
            "http://sqs.eu-west-1.localhost.localstack.cloud:50002/q",
        ),
        ("http://localhost:40001", "http://localhost:50002"),
        ("127.0.0.1:400012", "127.0.0.1:400012"),
        ('{"size":40001}', '{"size":40001}'),
        ("example.org:40001", "example.org:40001"),
    ],
)
def test_an_emulators_addresses_move_under_all_its_names_and_nothing_else_does(
    content: str, expected: str
) -> None:
    assert state.replace_address(content.encode(), "127.0.0.1:40001", "127.0.0.1:50002") == expected.encode()


def test_an_address_moves_to_the_one_of_now_even_if_it_was_a_name() -> None:
    assert state.replace_address(b"http://localhost:4566/q", "localhost:4566", "127.0.0.1:4567") == (
        b"http://127.0.0.1:4567/q"
    )
