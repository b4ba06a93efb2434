"""Faults: calls of the functions that fail, are throttled, come late, or are cut off.

mitmproxy runs in front of the emulator, and the functions' environment points at it as their AWS. Calls
without a matching fault pass through unchanged.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

import urllib3

from harness.aws import clients
from harness.backends.emulator import HOST, Program, served
from harness.base import environments
from harness.base.isolation import without_aws, without_network
from harness.errors import BackendError, SettingsError
from harness.stack.faults.addon import CONTROL, LAMBDA_OPERATIONS, S3_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.settings import Settings
    from harness.terraform.commands import Terraform
    from harness.values import Endpoint

BACKEND = "mitmproxy"
VERSION = "12.3.1"
PYTHONS = ((3, 13), (3, 12), (3, 14))
REQUIREMENTS = Path(str(files("harness.backends"))) / "requirements" / f"mitmproxy-{VERSION}.txt"
ADDON = Path(str(files("harness.stack.faults"))) / "addon.py"
VARIABLE = "function_environment"
_CONTROL_TIMEOUT = 10.0
_OK = 200
# Switches off features of mitmproxy that would change the traffic.
_OPTIONS = (
    "keep_host_header=true",
    "connection_strategy=lazy",
    "validate_inbound_headers=false",
    "http2=false",
    "onboarding=false",
    "flow_detail=0",
    "termlog_verbosity=warn",
)
# The calls of S3 in which it uses a KMS key.
_USES_OF_KMS: Mapping[str, tuple[str, ...]] = {
    "GenerateDataKey": ("CopyObject", "CreateMultipartUpload", "PutObject"),
    "Decrypt": ("CompleteMultipartUpload", "GetObject", "UploadPart"),
}
_OPERATIONS = {"s3": S3_OPERATIONS, "lambda": LAMBDA_OPERATIONS}  # the names that a request's path gives away

type Action = Literal["fail", "delay", "drop", "lose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedCall:
    """A call that a fault has met.

    Attributes:
        service: Its service, such as `s3`.
        operation: Its operation, such as `PutObject`. Empty if the request does not show it.
        key: The object's key, the invoked function's name, or else the request's path.
        action: The fault: `fail`, `delay`, `drop` (the emulator never saw the call), or `lose` (its answer).
        status: The HTTP status of the fault, or the emulator's if its answer was lost. 0 for neither.
        rule: The number of the fault.
    """

    service: str
    operation: str
    key: str
    action: Action
    status: int
    rule: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsError:
    """An error as a service answers it: its code, its HTTP status and its message."""

    code: str
    status: int
    message: str


SLOW_DOWN = AwsError(code="SlowDown", status=503, message="Please reduce your request rate.")
THROTTLING = AwsError(code="ThrottlingException", status=400, message="Rate exceeded")
KMS_THROTTLING = AwsError(
    code="KMS.ThrottlingException",
    status=400,
    message="You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
)
TOO_MANY_REQUESTS = AwsError(code="TooManyRequestsException", status=429, message="Rate Exceeded.")


@dataclass(frozen=True, slots=True)
class Control:
    """The proxy's own API, below the path `/_faults`."""

    url: str
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False), repr=False)

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Send a request, and return the answer's JSON. Its effect is in place when it returns.

        Raises:
            BackendError: The proxy does not answer, or refuses.
        """
        url = f"{self.url}{CONTROL}{path}"
        try:
            answer = self._http.request(
                method, url, body=json.dumps(body) if body else None, timeout=_CONTROL_TIMEOUT
            )
        except urllib3.exceptions.HTTPError as problem:
            raise BackendError(BACKEND, f"{method} {url} was not answered: {problem}") from problem
        if answer.status != _OK:
            reason = f"{method} {url}: expected status 200, got {answer.status}: {answer.data.decode()}"
            raise BackendError(BACKEND, reason)
        return answer.json()


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, which is active or has ended."""

    control: Control
    number: int

    @property
    def seen(self) -> list[AffectedCall]:
        """The calls that it has affected so far, oldest first."""
        return [call for call in _affected_calls(self.control) if call.rule == self.number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls that a fault is to meet. Each method is a context in which they meet it.

    If several faults match a call, the one entered last applies. A fault whose `times` are used up no longer
    matches. `times` counts over all calls. With None, it lasts as long as the context is open.

    Attributes:
        control: The proxy.
        service: The service, as in its endpoint's name, such as `s3` or `dynamodb`.
        operations: The operations. Empty for all.
        key: A pattern (`*`, `?`) for the object's key, the invoked function's name, or else the path.
        probability: How likely each of them is to meet it, from 0 to 1.
        seed: The seed of the random numbers. The same seed gives the same result.
        throttle: The service's error for too many calls.
    """

    control: Control
    service: str
    operations: Sequence[str] = ()
    key: str = "*"
    probability: float = 1.0
    seed: int = 0
    throttle: AwsError = THROTTLING

    def fails(
        self, code: str = "InternalError", *, status: int = 500, message: str = "", times: int | None = None
    ) -> AbstractContextManager[Fault]:
        """Answer with the error `code`, in the service's protocol. The emulator does not see the call."""
        text = message or "Injected by a test."
        return self._disturbed("fail", times, {"code": code, "status": status, "message": text})

    def throttled(self, *, times: int | None = None) -> AbstractContextManager[Fault]:
        """Answer the service's error for too many calls."""
        error = self.throttle
        return self.fails(error.code, status=error.status, message=error.message, times=times)

    def delayed(self, seconds: float, *, times: int | None = None) -> AbstractContextManager[Fault]:
        """Forward the call after `seconds`, unless the caller has given up by then."""
        return self._disturbed("delay", times, {"seconds": seconds})

    def dropped(self, *, times: int | None = None) -> AbstractContextManager[Fault]:
        """Close the connection without an answer. The emulator does not see the call."""
        return self._disturbed("drop", times, {})

    def answer_lost(self, *, times: int | None = None) -> AbstractContextManager[Fault]:
        """Let the emulator execute the call, and close the connection instead of returning its answer."""
        return self._disturbed("lose", times, {})

    @contextmanager
    def _disturbed(self, action: Action, times: int | None, how: Mapping[str, object]) -> Iterator[Fault]:
        rule = {
            "service": self.service,
            "operations": list(self.operations),
            "key": self.key,
            "probability": self.probability,
            "seed": self.seed,
            "action": action,
            "times": times,
            **how,
        }
        number = self.control.call("POST", "/rules", rule)
        try:
            yield Fault(self.control, number)
        finally:
            self.control.call("DELETE", f"/rules/{number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults that a test can inject into calls of a stack's functions.

    Attributes:
        endpoint: The emulator as the functions see it: through the proxy.
        direct: The emulator itself.
        control: The proxy's own API.
    """

    endpoint: Endpoint
    direct: Endpoint
    control: Control

    def s3(self, operation: str = "", *, key: str = "*", probability: float = 1.0, seed: int = 0) -> Calls:
        """Return the calls of S3, of one operation such as `PutObject` or all.

        Args:
            operation: Its name in S3's API.
            key: A pattern for the object's key, such as `hello_world_*`.
            probability: How likely a call is to meet the fault.
            seed: The seed of the random numbers.

        Raises:
            SettingsError: The proxy can't recognise this operation in a request.
        """
        calls = self.calls("s3", operation, key=key, probability=probability, seed=seed)
        return replace(calls, throttle=SLOW_DOWN)

    def kms(self, operation: str = "", *, key: str = "*", probability: float = 1.0, seed: int = 0) -> Calls:
        """Return the calls of S3 in which it uses a KMS key.

        S3 calls KMS itself, inside the emulator as on AWS. A client sees an answer of S3 with KMS's error in
        it, so give `fails` a code such as `KMS.DisabledException`. For calls to KMS that a function makes
        itself, use `calls("kms")`.

        Args:
            operation: The operation that S3 calls: `GenerateDataKey` for writes, `Decrypt` for reads. Empty
                for both.
            key: A pattern for the object's key.
            probability: How likely a call is to meet the fault.
            seed: The seed of the random numbers.

        Raises:
            SettingsError: S3 does not ask KMS for that.
        """
        _check(operation, _USES_OF_KMS, what="operation of KMS behind S3")
        uses = [_USES_OF_KMS[operation]] if operation else _USES_OF_KMS.values()
        return Calls(
            control=self.control,
            service="s3",
            operations=sorted(name for use in uses for name in use),
            key=key,
            probability=probability,
            seed=seed,
            throttle=KMS_THROTTLING,
        )

    def lambda_(self, function: str = "*", *, probability: float = 1.0, seed: int = 0) -> Calls:
        """Return the calls of Lambda's Invoke by functions or by `client("lambda")`.

        EventBridge and API Gateway invoke functions inside the emulator, past the proxy. Use
        `function_throttled` for those.

        Args:
            function: A pattern for the function's name.
            probability: How likely a call is to meet the fault.
            seed: The seed of the random numbers.
        """
        calls = self.calls("lambda", "Invoke", key=function, probability=probability, seed=seed)
        return replace(calls, throttle=TOO_MANY_REQUESTS)

    def calls(
        self, service: str, operation: str = "", *, key: str = "*", probability: float = 1.0, seed: int = 0
    ) -> Calls:
        """Return the calls of any service.

        Calls of services whose requests name their operation, such as DynamoDB, SQS, KMS or SNS, can be
        matched by operation. So can calls of S3 and Lambda's Invoke. Calls of other services match by service
        and path only.

        Args:
            service: Its name in a signature, which is usually that of its endpoint.
            operation: Its name in the service's API. Empty for all.
            key: A pattern for the object's key, the invoked function's name, or else the path.
            probability: How likely a call is to meet the fault.
            seed: The seed of the random numbers.

        Raises:
            SettingsError: The proxy can't recognise this operation in a request.
        """
        if service in _OPERATIONS:
            _check(operation, _OPERATIONS[service], what=f"operation of {service}")
        return Calls(
            control=self.control,
            service=service,
            operations=[operation] if operation else [],
            key=key,
            probability=probability,
            seed=seed,
        )

    @contextmanager
    def function_throttled(self, function_name: str) -> Iterator[None]:
        """Set a function's reserved concurrency to 0 while the context is open, so that nobody can invoke it.

        As on AWS, an event that arrives in that time is not kept for later. It goes to the dead-letter queue,
        if there is one.
        """
        client = clients.client(self.direct, "lambda")
        before = client.get_function_concurrency(FunctionName=function_name)
        client.put_function_concurrency(FunctionName=function_name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            _restore_concurrency(client, function_name, before.get("ReservedConcurrentExecutions"))

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client whose calls are affected by faults, like those of the functions."""
        return clients.client(self.endpoint, service)

    @property
    def seen(self) -> list[AffectedCall]:
        """The calls that have met a fault since the last `clear`, oldest first."""
        return _affected_calls(self.control)

    def clear(self) -> None:
        """End all faults and forget their calls."""
        self.control.call("DELETE", "/")


class Stack(Protocol):
    """The part of an applied stack that faults need."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it runs at."""

    @property
    def terraform(self) -> Terraform:
        """The applied root, whose variables name the proxy to the functions."""


@contextmanager
def injected(
    settings: Settings, stack: Stack, *, variable: str = VARIABLE, host: str = ""
) -> Iterator[Faults]:
    """Put a proxy between the functions of `stack` and its emulator while the context is open.

    The stack is applied with the functions' environment naming the proxy, and at the end as it was before.
    Each takes some seconds, so share the context among tests, and `clear` between them.

    Args:
        settings: The settings with mitmproxy's cache directory and start timeout.
        stack: The stack. It must run on an emulator.
        variable: The root's input variable for further environment variables of its functions: a map.
        host: This machine's address as the functions see it. By default the usual one for the backend.

    Raises:
        BackendError: The stack is on real AWS, or mitmproxy can't be installed, does not start or ends early,
            or this machine's address is unknown.
        SettingsError: The variable has a value of another form already.
        TerraformError: The stack can't be applied with the variable. Its root must declare it.
    """
    terraform = stack.terraform
    seen_at = host or _host_of(stack.endpoint)
    with proxied(settings, stack.endpoint, also_at=seen_at) as faults:
        port = urlsplit(faults.endpoint.url).port
        given = _stack_environment(terraform.variables, variable)
        with ExitStack() as restoring:
            restoring.callback(_unless_ended, stack)
            terraform.apply(**{variable: json.dumps(given | _environment(seen_at, port))})
            yield faults


@contextmanager
def proxied(settings: Settings, endpoint: Endpoint, *, also_at: str = HOST) -> Iterator[Faults]:
    """Run the proxy in front of `endpoint` while the context is open, without changing any function.

    Args:
        settings: The settings with mitmproxy's cache directory and start timeout.
        endpoint: The emulator.
        also_at: An address of this machine that the proxy is to serve beside 127.0.0.1.

    Raises:
        BackendError: It can't be installed, does not start, or ends early.
    """
    if endpoint.is_aws:
        raise BackendError(BACKEND, "faults need an emulator; choose another backend than aws")
    suited = environments.with_python(settings, PYTHONS, needed_by=f"mitmproxy {VERSION}")
    python = environments.install(suited, f"mitmproxy-{VERSION}", REQUIREMENTS)

    def command(port: int, folder: Path, _gate: str) -> tuple[Sequence[str], Mapping[str, str]]:
        argv = _argv(python, endpoint, sorted({HOST, also_at}), port, folder)
        return argv, without_network(without_aws(environments.program_environ(settings.environ)))

    program = Program(name=BACKEND, health=f"{CONTROL}/health", command=command)
    with served(BACKEND, replace(settings, port=0), program) as proxy:
        front = replace(endpoint, url=proxy.url)
        yield Faults(endpoint=front, direct=endpoint, control=Control(front.url))


def _argv(python: Path, endpoint: Endpoint, addresses: Sequence[str], port: int, folder: Path) -> list[str]:
    """Return the command: https://docs.mitmproxy.org/stable/concepts/modes/#reverse-proxy."""
    modes = [f"--mode=reverse:{endpoint.url}@{address}:{port}" for address in addresses]
    options = [part for option in (*_OPTIONS, f"confdir={folder}") for part in ("--set", option)]
    return [str(python.parent / "mitmdump"), *modes, *options, "--scripts", str(ADDON)]


def _host_of(endpoint: Endpoint) -> str:
    """Return this machine's address as the functions of `endpoint` see it."""
    if not endpoint.host_address:
        reason = (
            "it is not known by which address the functions could reach the proxy on this machine; "
            "give `host`, the address of this machine as a container sees it"
        )
        raise BackendError(BACKEND, reason)
    return endpoint.host_address


def _environment(host: str, port: int | None) -> dict[str, str]:
    """Return the variables that point a function's SDK at the proxy, past the dead proxy for other hosts."""
    direct = ",".join(dict.fromkeys((HOST, "localhost", host)))
    return {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "NO_PROXY": direct, "no_proxy": direct}


def _stack_environment(variables: Mapping[str, str], variable: str) -> dict[str, str]:
    """Return the environment that the stack's own variables give to the functions."""
    text = variables.get(variable, "{}")
    try:
        return dict(json.loads(text))
    except ValueError as problem:
        raise SettingsError(variable, expected="a map of strings, as JSON", got=text) from problem


def _unless_ended(stack: Stack) -> None:
    """Restore the stack to its own variables, unless it has gone with its emulator."""
    if not stack.endpoint.ended():
        stack.terraform.apply()


def _restore_concurrency(client: Any, function_name: str, before: int | None) -> None:  # noqa: ANN401 - a boto3 client
    if before is None:
        client.delete_function_concurrency(FunctionName=function_name)
    else:
        client.put_function_concurrency(FunctionName=function_name, ReservedConcurrentExecutions=before)


def _check(operation: str, known: Mapping[str, object] | frozenset[str], *, what: str) -> None:
    if operation and operation not in known:
        raise SettingsError(what, expected=f"one of {', '.join(sorted(known))}", got=operation)


def _affected_calls(control: Control) -> list[AffectedCall]:
    return [AffectedCall(**call) for call in control.call("GET", "/seen")]
