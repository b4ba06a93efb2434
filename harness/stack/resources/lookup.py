"""Find a resource of the applied stack by an output, by its address, or as the only one of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from harness.aws import outbox
from harness.base.polling import eventually
from harness.base.telemetry.outputs import READ
from harness.errors import ResourceError
from harness.stack import hops

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.values import Acted, Endpoint, Outputs, Resource, Sent

# The Terraform types behind each kind of view.
KINDS: Mapping[str, tuple[str, ...]] = {
    "api": (
        "aws_api_gateway_stage",
        "aws_api_gateway_deployment",
        "aws_apigatewayv2_stage",
        "aws_lambda_function_url",
    ),
    "bucket": ("aws_s3_bucket",),
    "function": ("aws_lambda_function",),
    "log_group": ("aws_cloudwatch_log_group",),
    "parameter": ("aws_ssm_parameter",),
    "queue": ("aws_sqs_queue",),
    "rule": ("aws_cloudwatch_event_rule",),
    "schedule": ("aws_scheduler_schedule", "aws_cloudwatch_event_rule"),
    "secret": ("aws_secretsmanager_secret",),
    "state_machine": ("aws_sfn_state_machine",),
    "stream": ("aws_kinesis_stream",),
    "table": ("aws_dynamodb_table",),
    "topic": ("aws_sns_topic",),
}
# The attribute that a resource of a type must have to belong to the kind.
_NEEDED: Mapping[tuple[str, str], str] = {
    ("rule", "aws_cloudwatch_event_rule"): "event_pattern",
    ("schedule", "aws_cloudwatch_event_rule"): "schedule_expression",
    ("schedule", "aws_scheduler_schedule"): "schedule_expression",
    ("api", "aws_api_gateway_deployment"): "stage_name",  # with a name it creates a stage
}
# The attributes that may identify a resource in an output.
_NAMES = (
    *("id", "arn", "name", "url", "bucket", "function_name", "invoke_url", "function_url", "api_endpoint"),
    "dns_name",
)


class Stack(Protocol):
    """The part of the applied stack that views use."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it runs at."""
        ...

    @property
    def outputs(self) -> Outputs:
        """The outputs of the root."""
        ...

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        """Return a boto3 client of a service, in the stack's region by default."""
        ...

    def resources(self, kind: str = "") -> list[Resource]:
        """Return the resources that Terraform manages: all of them, or one type."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """A resource of an applied stack.

    Attributes:
        stack: The stack.
        resource: The resource in Terraform's state.
    """

    stack: Stack
    resource: Resource
    interval: ClassVar[float] = 0.1  # seconds between two attempts

    @property
    def name(self) -> str:
        """The resource's name."""
        return str(self.resource.values["name"])

    @property
    def arn(self) -> str:
        """The resource's ARN."""
        return str(self.resource.values["arn"])

    def client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client
        """Return a boto3 client of a service, in the resource's region."""
        return self.stack.client(service, self.resource.region)

    def _remember(self, sent: Sent, at: float | None) -> Sent:
        return outbox.remember(sent, at, self.stack.endpoint.place)

    def _wait[T](
        self,
        probe: Callable[[], T],
        *,
        until: Callable[[T], object],
        what: str,
        timeout: float,
        of: Acted | None,
    ) -> T:
        """Wait until `until` accepts the result of `probe`, or until everything sent is lost."""
        lost = hops.LossCheck(self.stack, *([of] if of is not None else []))
        return eventually(probe, until=until, unless=lost, what=what, timeout=timeout, interval=self.interval)


def find(stack: Stack, kind: str, which: str | None) -> Resource:
    """Return the resource of a kind that `which` names.

    Args:
        stack: The applied stack.
        kind: One of `KINDS`.
        which: The resource's id, name, ARN or URL, or the name of an output with one of these values, or its
            Terraform address, or a unique part of the address. None if there is only one.

    Raises:
        ResourceError: No resource fits, or several do. The error lists the candidates.
    """
    try:
        return choose(kind, which, of_kind(stack, kind), stack.outputs.untraced)
    except ResourceError as problem:
        if not problem.fitting:
            for other, address in _of_other_kinds(stack, kind, which):
                problem.add_note(f"{address} is a {other}: stack.{other}({which!r})")
        raise


def _of_other_kinds(stack: Stack, kind: str, which: str | None) -> list[tuple[str, str]]:
    """Return the resources of other kinds that `which` would name, by kind and address."""
    return [
        (other, resource.address)
        for other in KINDS
        if which is not None and other != kind
        for resource in _fitting(which, of_kind(stack, other), stack.outputs.untraced)
    ]


def of_kind(stack: Stack, kind: str) -> list[Resource]:
    """Return all resources of a kind.

    A rule that has only a pattern is not a schedule, and a rule that has only a schedule is no rule here.
    """
    found = [resource for each in KINDS[kind] for resource in stack.resources(each)]
    needed = [(one, _NEEDED.get((kind, one.type))) for one in found]
    return [one for one, attribute in needed if attribute is None or one.values.get(attribute)]


def choose(
    kind: str, which: str | None, candidates: Sequence[Resource], outputs: Mapping[str, Any]
) -> Resource:
    """Return the candidate that `which` names: see `find`."""
    fitting = _fitting(which, candidates, outputs)
    if len(fitting) == 1:
        if which and which in outputs and fitting == _match_value(str(outputs[which]), candidates):
            READ.send(which)
        return fitting[0]
    raise ResourceError(
        kind,
        which,
        fitting=[resource.address for resource in fitting],
        known=[resource.address for resource in candidates],
    )


def _fitting(
    which: str | None, candidates: Sequence[Resource], outputs: Mapping[str, Any]
) -> Sequence[Resource]:
    """Return the candidates that `which` may mean.

    The first way of reading it that fits anything counts.
    """
    if which is None:
        return candidates
    readings = (
        [one for one in candidates if one.address == which],
        _match_value(str(outputs[which]), candidates) if which in outputs else [],
        _match_value(which, candidates),
        [one for one in candidates if one.address.endswith(f".{which}")],
        [one for one in candidates if which and which in one.address and which not in outputs],
    )
    return next(filter(None, readings), [])


def _match_value(value: str, candidates: Sequence[Resource]) -> list[Resource]:
    """Return the candidates that an output's value names. Of several URLs, the longest counts."""
    lengths = [(_named_length(one, value), one) for one in candidates]
    longest = max((length for length, _ in lengths), default=0)
    return [one for length, one in lengths if longest and length == longest]


def _named_length(resource: Resource, value: str) -> int:
    """Return the length of the name that equals the value, or of the URL that the value begins with."""
    names = {str(resource.values[name]) for name in _NAMES if resource.values.get(name)}
    names |= set((resource.values.get("uris") or {}).values())  # of a GraphQL API
    if host := resource.values.get("dns_name"):
        names |= {f"http://{host}", f"https://{host}"}
    urls = {f"{name.rstrip('/')}/" for name in names if name.startswith(("https://", "http://"))}
    fitting = [name for name in names if name == value] + [url for url in urls if f"{value}/".startswith(url)]
    return max(map(len, fitting), default=0)
