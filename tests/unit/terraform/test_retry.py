from __future__ import annotations

import pytest

from harness import TerraformError
from harness.errors import Diagnostic
from harness.terraform.retry import PAUSES, is_transient, with_retries

SLOW_DOWN = Diagnostic(
    severity="error", summary="creating S3 Bucket (x)", detail="api error SlowDown: reduce"
)
NO_ACCESS = Diagnostic(
    severity="error", summary="creating S3 Bucket (x)", detail="api error AccessDenied: no"
)


class Attempts:
    """Fails with each of `problems` in turn, and then succeeds."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        if self.problems:
            raise self.problems.pop(0)
        return "done"


def failed(*diagnostics: Diagnostic) -> TerraformError:
    return TerraformError("apply", diagnostics)


@pytest.mark.parametrize(
    "told",
    [
        "read tcp 10.0.0.1:4711->52.1.1.1:443: read: connection reset by peer",
        'Get "https://x/": net/http: TLS handshake timeout',
        "unexpected EOF",
        "fork/exec .terraform/providers/x/terraform-provider-aws_v5.100.0_x5: text file busy",
        "the cached package for aws 5.100.0 doesn't match any of the checksums recorded in the lock file",
        "Client.Timeout exceeded while awaiting headers",
        "could not query provider registry: 502 Bad Gateway",
        "StatusCode: 400, ThrottlingException: Rate exceeded",
        "api error TooManyRequestsException: wait",
        "OperationAborted: A conflicting conditional operation is currently in progress",
        "ConcurrentModificationException",
        "api error ServiceUnavailable: please",
    ],
)
def test_what_another_try_may_cure(told: str) -> None:
    assert is_transient([Diagnostic(severity="error", summary="it failed", detail=told)])


@pytest.mark.parametrize(
    "told",
    [
        "api error AccessDenied: not authorized to perform: s3:CreateBucket",
        "BucketAlreadyOwnedByYou",
        "invalid value for name",
        "a limit of 429 functions, 503 of them in use",
        "dial tcp 127.0.0.1:9: connect: connection refused",
    ],
)
def test_what_no_try_cures(told: str) -> None:
    assert not is_transient([Diagnostic(severity="error", summary="it failed", detail=told)])


def test_one_error_that_stays_is_enough_to_give_up() -> None:
    assert not is_transient([SLOW_DOWN, NO_ACCESS])
    assert not is_transient([])


def test_it_tries_again_after_a_pause_that_grows() -> None:
    pauses: list[float] = []
    attempts = Attempts(failed(SLOW_DOWN), failed(SLOW_DOWN))

    assert with_retries(attempts, pause=pauses.append) == "done"
    assert attempts.count == 3
    assert pauses == list(PAUSES) == sorted(PAUSES)


def test_it_does_not_pause_where_all_is_well() -> None:
    pauses: list[float] = []

    assert with_retries(Attempts(), pause=pauses.append) == "done"
    assert pauses == []


def test_it_gives_up_after_the_third_try() -> None:
    attempts = Attempts(*[failed(SLOW_DOWN)] * 4)

    with pytest.raises(TerraformError, match="SlowDown"):
        with_retries(attempts, pause=lambda _: None)

    assert attempts.count == 3


@pytest.mark.parametrize("problem", [failed(NO_ACCESS), failed(SLOW_DOWN, NO_ACCESS), KeyError("a bug")])
def test_another_failure_is_not_tried_again(problem: Exception) -> None:
    attempts = Attempts(problem)

    with pytest.raises(type(problem)) as caught:
        with_retries(attempts, pause=lambda _: pytest.fail("it paused"))

    assert caught.value is problem
    assert attempts.count == 1


def test_what_failed_before_the_retry_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "harness"):
        with_retries(Attempts(failed(SLOW_DOWN)), pause=lambda _: None)

    (line,) = caplog.messages
    assert "SlowDown" in line
    assert "once more in 1 s" in line
