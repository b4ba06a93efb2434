"""Identify the caller of an AWS call by its user agent and access key.

A function's SDK sends the application id of its environment,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html, and each execution environment has its
own. A call without it is identified by its access key.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import uuid4

APP_ID = "AWS_SDK_UA_APP_ID"
UNKNOWN = "unknown"
EMULATOR = "emulator"
TERRAFORM = "terraform"
_PREFIX = "lambda-environment-"
_OF_THE_HARNESS = re.compile(r"harness-caller/(\S+)")
_OF_A_FUNCTION = re.compile(rf"app/({_PREFIX}[0-9a-f]+)")
_OF_TERRAFORM = "terraform-provider-"
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(slots=True, eq=False)
class Environment:
    """An execution environment, as a caller of AWS.

    Attributes:
        function: the function's name.
        app_id: its id in the user agent.
        access_key: the access key that signs its calls.
        request_id: its present invocation. Empty between two.
    """

    function: str
    app_id: str
    access_key: str
    request_id: str = ""


_LOCK = threading.Lock()
_ENVIRONMENTS: set[Environment] = set()


def new_app_id() -> str:
    """Return an application id that no other execution environment has."""
    return f"{_PREFIX}{uuid4().hex[:12]}"


def remember(variables: Mapping[str, str]) -> Environment:
    """Remember and return an execution environment whose process has these environment variables."""
    environment = Environment(
        function=variables.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        app_id=variables.get(APP_ID, ""),
        access_key=variables.get("AWS_ACCESS_KEY_ID", ""),
    )
    with _LOCK:
        _ENVIRONMENTS.add(environment)
    return environment


def forget(environment: Environment) -> None:
    """Forget an execution environment that has ended."""
    with _LOCK:
        _ENVIRONMENTS.discard(environment)


def caller_of(user_agent: str, authorization: str) -> tuple[str, str]:
    """Return the caller of a call, and the id of the invocation that made it, if known.

    It is `test:<node id>`, `harness`, `function:<name>`, `terraform` or `unknown`.

    Args:
        user_agent: The header `User-Agent`.
        authorization: The header `Authorization`.
    """
    if told := _OF_THE_HARNESS.search(user_agent):
        return unquote(told[1]), ""
    if environment := _environment_of(user_agent, authorization):
        return f"function:{environment.function}", environment.request_id
    return (TERRAFORM if _OF_TERRAFORM in user_agent else UNKNOWN), ""


def _environment_of(user_agent: str, authorization: str) -> Environment | None:
    with _LOCK:
        environments = tuple(_ENVIRONMENTS)
    if told := _OF_A_FUNCTION.search(user_agent):
        return next((each for each in environments if each.app_id == told[1]), None)
    credential = _CREDENTIAL.search(authorization)
    if credential is None or _ACCOUNT.fullmatch(credential[1]):  # an account's number is everybody's
        return None
    return _the_one([each for each in environments if each.access_key == credential[1]])


def _the_one(candidates: list[Environment]) -> Environment | None:
    """Return the only candidate, or the function that all candidates share."""
    if len({each.function for each in candidates}) != 1:
        return None
    running = [each for each in candidates if each.request_id]
    if len(running) == 1:
        return running[0]
    return Environment(function=candidates[0].function, app_id="", access_key="")
