"""Rotation of secrets on MiniStack 1.5.33, which copies the secret's value and asks no function.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import copy
import json
import logging
import threading
import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, secretsmanager

if TYPE_CHECKING:
    from collections.abc import Callable

    type Data = dict[str, Any]
    type Answer = tuple[int, dict[str, str], bytes]
    type Handler = Callable[[Data], Answer]

LOG = logging.getLogger(__name__)
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_ABSENT = "Secrets Manager can't find the specified secret value for staging label: AWSPENDING."
_OK = 200


def install() -> None:
    """Let the function of a secret make its new version."""
    secretsmanager._rotate_secret = _by_its_function(secretsmanager._rotate_secret)  # noqa: SLF001 - pinned
    secretsmanager._get_secret_value = _without_empty_versions(secretsmanager._get_secret_value)  # noqa: SLF001


def _by_its_function(known: Handler) -> Handler:
    @wraps(known)
    def rotate(data: Data) -> Answer:
        _, secret = secretsmanager._resolve(data.get("SecretId"))  # noqa: SLF001
        versions = copy.deepcopy(secret["Versions"]) if secret else {}
        answer = known(data)
        if answer[0] == _OK and (function := secret.get("RotationLambdaARN")):
            version = json.loads(answer[2])["VersionId"]
            secret["Versions"] = versions  # it has already put a copy of the value in force
            if data.get("RotateImmediately", True):
                _begin(secret, version, function)
        return answer

    return rotate


def _begin(secret: Data, version: str, arn: str) -> None:
    """Make a version without a value, and run the function in the background."""
    function, _, name = lambda_svc._get_func_record_for_ref(arn)  # noqa: SLF001
    if function is None:
        LOG.warning("Secrets Manager can't find the rotation function %s of %s", name, secret["Name"])
        return
    empty = {"SecretString": None, "SecretBinary": None}
    secret["Versions"][version] = {**empty, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"]}
    threading.Thread(target=_run_steps, args=(function, secret["ARN"], version), daemon=True).start()


def _run_steps(function: Data, secret: str, version: str) -> None:
    for step in _STEPS:
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
        result = lambda_svc._execute_function_with_config_scope(function, event)  # noqa: SLF001
        if result.get("error"):
            LOG.warning("the rotation of %s ended at %s: %s", secret, step, json.dumps(result.get("body")))
            return


def _without_empty_versions(known: Handler) -> Handler:
    """Say of a version that has no value yet that there is none."""

    @wraps(known)
    def get(data: Data) -> Answer:
        answer = known(data)
        if answer[0] == _OK and not {"SecretString", "SecretBinary"} & json.loads(answer[2]).keys():
            missing: Answer = error_response_json("ResourceNotFoundException", _ABSENT, 400)
            return missing
        return answer

    return get
