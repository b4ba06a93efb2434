from __future__ import annotations

import pytest

from harness.errors import Diagnostic
from harness.terraform.hints import hints_for

LOG_GROUP = (
    "creating CloudWatch Logs Log Group (/aws/lambda/f): operation error CloudWatch Logs: CreateLogGroup, "
    "StatusCode: 400, ResourceAlreadyExistsException: The specified log group already exists"
)
EXISTS = (
    "creating Secrets Manager Secret (s): operation error Secrets Manager: CreateSecret, StatusCode: 400, "
    "ResourceExistsException: The operation failed because the secret s already exists."
)
DELETED = (
    "creating Secrets Manager Secret (s): InvalidRequestException: You can't create this secret because a "
    "secret with this name is already scheduled for deletion."
)


def error(summary: str) -> Diagnostic:
    return Diagnostic(severity="error", summary=summary)


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        (LOG_GROUP, "at its first run"),
        (EXISTS, "recovery_window_in_days = 0"),
        (DELETED, "recovery_window_in_days = 0"),
        ("deleting S3 Bucket (b): api error BucketNotEmpty: not empty", "force_destroy = true"),
        ("Instance cannot be destroyed", "leave out --destroy"),
        ('expected runtime to be one of ["nodejs" "python3.13"], got python3.14', "raise the version"),
        ("the provider hashicorp/archive can't be had: could not connect to r.io", "HARNESS_PROVIDER_MIRROR"),
        ("the provider hashicorp/aws can't be had: no available releases match", "all modules of your root"),
        ("the module vpc can't be had: git::https://git.example/vpc: exit status 128", "insteadOf"),
        ("creating IAM Role (r): EntityAlreadyExists: Role r exists", "has the name already"),
        ('"path" parameter: no file exists at "../x.json"', "run it before the test"),
        ('unable to load "app.zip": open app.zip: no such file or directory', "run it before the test"),
        ("could not archive missing directory: ../src", "run it before the test"),
        ("data.terraform_remote_state.net (main.tf:3): Error loading state error", "another root's state"),
        ("5.100.0 doesn't match any of the\nchecksums previously recorded", "terraform providers lock"),
        (
            "the provider hashicorp/aws can't be had: the previously-selected version 5.50.0 is gone",
            "terraform init -upgrade",
        ),
        ("Cannot import non-existent remote object", "[[tool.harness.roots]]"),
    ],
)
def test_what_to_do_is_told_once(summary: str, told: str) -> None:
    (hint,) = hints_for([error(summary), error(summary), error("AccessDenied")])

    assert told in hint


def test_nothing_is_told_of_other_errors() -> None:
    assert (
        hints_for([error("creating SQS Queue (q): InvalidAttributeName"), error("Unsupported argument")])
        == []
    )


@pytest.mark.parametrize(
    ("address", "summary"),
    [
        ("data.aws_ssm_parameter.key", "reading SSM Parameter (key): couldn't find resource"),
        ("data.aws_vpc.default", "no matching EC2 VPC found"),
        ("module.f.aws_lambda_function.this", "creating Lambda Function (f): S3 Error Code: NoSuchBucket"),
        ("aws_lambda_function.f", "creating Lambda Function (f): The role with name r cannot be found. (…)"),
    ],
)
def test_what_should_be_there_already_is_told(address: str, summary: str) -> None:
    (hint,) = hints_for([Diagnostic(severity="error", summary=summary, address=address)])

    assert "[[tool.harness.roots]]" in hint
    assert hints_for([error("reading S3 Bucket (b): couldn't find resource")]) == []
