"""A run on LocalEmu that only looks at policies: what they deny is carried out, and listed at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.contract.small_stack import SmallStack

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Endpoint, Settings

TESTS = """
import json
from dataclasses import replace

from harness.aws import clients


def test_ada_lists_queues(endpoint):
    iam = clients.client(endpoint, "iam")
    iam.create_user(UserName="ada")
    allowed = {"Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="ada", PolicyName="creates", PolicyDocument=document)
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    ada = replace(endpoint, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    sqs = clients.client(ada, "sqs")
    sqs.create_queue(QueueName="allowed")
    for _ in range(2):
        assert len(sqs.list_queues()["QueueUrls"]) == 1
"""
DENIED = "2x User: arn:aws:iam::000000000000:user/ada is not authorized to perform: sqs:ListQueues"


@pytest.mark.once
def test_what_policies_deny_is_carried_out_and_listed_in_the_terminal_and_in_the_report(
    endpoint: Endpoint, harness_settings: Settings, tmp_path: Path
) -> None:
    if endpoint.backend != "localemu":
        pytest.skip(f"the backend {endpoint.backend} has no such mode")
    soft = replace(harness_settings, environ={**harness_settings.environ, "HARNESS_LOCALEMU_IAM": "soft"})
    project = SmallStack.made(soft, tmp_path, TESTS)

    ran = project.pytest("--harness-report=report.html")

    assert ran.returncode == 0, ran.stdout
    (shown,) = (line for line in ran.stdout.splitlines() if "not authorized" in line)
    assert shown.startswith(DENIED)
    assert "CreateQueue" not in ran.stdout
    assert DENIED in (tmp_path / "report.html").read_text("utf-8")
