from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import ExpectationError
from harness.stack.assertions.permissions import assert_invokable

if TYPE_CHECKING:
    from harness import Deployment

ARN = "arn:aws:lambda:eu-north-1:111122223333:function:writer"
RULE = "arn:aws:events:eu-north-1:111122223333:rule/nightly"
EVENTBRIDGE = "events.amazonaws.com"


class NotThereError(Exception):
    pass


@dataclass
class Functions:
    """One function and the statements of its policies, by qualifier."""

    statements: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    exceptions: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(ResourceNotFoundException=NotThereError)
    )

    def client(self, service: str) -> Functions:
        assert service == "lambda"
        return self

    def get_function_configuration(self, **given: str) -> dict[str, str]:
        if given["FunctionName"] != "writer":
            raise NotThereError
        return {"FunctionArn": ARN}

    def get_policy(self, **given: str) -> dict[str, str]:
        if given.get("Qualifier", "") not in self.statements:
            raise NotThereError
        return {"Policy": json.dumps({"Statement": self.statements[given.get("Qualifier", "")]})}


def permitted(resource: str, **condition: dict[str, str]) -> list[dict[str, Any]]:
    allowed = {"Sid": "Mine", "Effect": "Allow", "Principal": {"Service": EVENTBRIDGE}}
    return [{**allowed, "Action": "lambda:InvokeFunction", "Resource": resource, "Condition": condition}]


def check(functions: Functions, function: str = ARN, source_arn: str = RULE, **account: str) -> None:
    assert_invokable(
        cast("Deployment", functions),
        function,
        by_service=EVENTBRIDGE,
        source_arn=source_arn,
        timeout=0,
        **account,
    )


def test_a_permission_for_the_source_passes_whatever_names_the_function() -> None:
    functions = Functions({"": permitted(ARN, ArnLike={"AWS:SourceArn": RULE})})

    check(functions, ARN)
    check(functions, "writer")


def test_a_permission_of_an_alias_is_for_that_alone() -> None:
    functions = Functions({"live": permitted(f"{ARN}:live", ArnLike={"AWS:SourceArn": RULE})})

    check(functions, f"{ARN}:live")
    check(functions, "writer:live")
    with pytest.raises(ExpectationError, match="no permission"):
        check(functions, "writer")


def test_the_account_is_that_of_the_source_unless_it_has_none() -> None:
    functions = Functions({"": permitted(ARN, StringEquals={"AWS:SourceAccount": "111122223333"})})

    check(functions)
    check(functions, source_arn="arn:aws:s3:::bucket", source_account="111122223333")
    with pytest.raises(ExpectationError, match="policy of"):
        check(functions, source_arn="arn:aws:s3:::bucket")


def test_a_wrong_source_fails_with_what_is_permitted() -> None:
    functions = Functions({"": permitted(ARN, ArnLike={"AWS:SourceArn": RULE})})

    with pytest.raises(
        ExpectationError, match=f"expected 'lambda:InvokeFunction by .* for {RULE}2'"
    ) as caught:
        check(functions, source_arn=f"{RULE}2")

    (told,) = cast("list[str]", caught.value.got)
    assert told.startswith('Mine: lambda:InvokeFunction by {"Service": "events.amazonaws.com"} if {"ArnLike"')
    assert RULE in told


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(ExpectationError, match="function to invoke: expected 'nowhere'"):
        check(Functions(), "nowhere")
