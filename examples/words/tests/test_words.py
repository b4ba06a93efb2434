"""The function end to end: the compiled program, asked by Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness import Deployment


@pytest.mark.parametrize(
    ("text", "words"), [("To be, or not to be.", 6), ("", 0), ("en räv", 2), ("word " * 100_000, 100_000)]
)
def test_words_are_counted(stack: Deployment, text: str, words: int) -> None:
    assert stack.function().invoke(text).payload == words


def test_what_is_no_text_is_an_error_and_the_next_text_is_counted(stack: Deployment) -> None:
    refused = stack.function().invoke({"text": "hello"})

    assert (refused.error_type, refused.error_message) == ("NoText", "the event is no text")
    assert stack.function().invoke("hello").payload == 1


def test_it_logs_what_it_has_counted(stack: Deployment) -> None:
    stack.function().invoke("one two three")

    assert stack.function().wait_for_log(": 3 words")


def test_aws_would_take_it_and_a_second_plan_changes_nothing(stack: Deployment) -> None:
    assert stack.refusals() == []
    assert stack.plan() == []
