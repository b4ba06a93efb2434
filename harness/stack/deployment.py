"""An applied Terraform root: the resources in it, and everything a test can do to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from harness.aws import clients, reset
from harness.aws.calls import RequestLog
from harness.aws.logs import log_events
from harness.aws.rest import DEFAULT_STAGE, ApiClient
from harness.base import caller
from harness.stack.hops import Hop, Hops, LossCheck, collect_sent, trace_sent
from harness.stack.resources import Resources
from harness.terraform import rules
from harness.values import ApiResponse

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.aws.calls import Call
    from harness.settings import Settings
    from harness.stack.faults import Faults
    from harness.terraform.commands import Terraform
    from harness.terraform.rules import Refusal
    from harness.values import Acted, Change, Endpoint, Outputs, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(Resources):
    """A running stack.

    Attributes:
        endpoint: The endpoint that it runs at.
        terraform: The applied root.
        outputs: The root's outputs.
    """

    endpoint: Endpoint
    terraform: Terraform
    outputs: Outputs

    @classmethod
    def at(cls, endpoint: Endpoint, terraform: Terraform, outputs: Outputs) -> Self:
        """Return the stack of an applied root, in the region that the root deploys to."""
        region = terraform.region() or endpoint.region
        return cls(endpoint=replace(endpoint, region=region), terraform=terraform, outputs=outputs)

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client of `service`, in the stack's region unless you name another `region`."""
        return clients.client(replace(self.endpoint, region=region or self.endpoint.region), service)

    def api_client(self, published: str) -> ApiClient:
        """Return a client of the API or function at the URL `published`, which is its URL on AWS.

        An HTTP API serves its stage `$default` without naming it in the URL, so the stack passes its stages
        on.
        """
        url = urlsplit(published)
        api, stage = (url.hostname or "").partition(".")[0], url.path.strip("/").partition("/")[0]
        stages = {
            each.values["name"]
            for each in self.resources("aws_apigatewayv2_stage")
            if each.values["api_id"] == api
        }
        is_default = bool(stages) and stage not in stages
        return ApiClient.of(self.endpoint, published, stage=DEFAULT_STAGE if is_default else "")

    def trace(self, sent: Acted) -> Hops:
        """Follow an event, a message or a request through the stack, and return its hops. Never raises.

        Override it in a subclass to follow an event beyond the end of your function.

        Args:
            sent: The value that a view returned when it sent something: an event, a message, an object, an
                item, an invocation, or the answer of an API or a function URL. Of a list, such as
                `Queue.send` and `Schedule.run` return, the hops come one after another.
        """
        if isinstance(sent, ApiResponse) and sent.sent is None:
            return Hops([Hop(name="accepted", state="unknown", seen="the URL is of no API and no function")])
        return Hops(hop for each in collect_sent(sent) for hop in trace_sent(self, each))

    def lost(self, *sent: Acted) -> LossCheck:
        """Return a check that says, during a wait, why nothing more can come of the events sent.

        Pass it to `eventually` as `unless`. The wait then ends as soon as a function has failed for good, a
        message lies in a dead-letter queue, or no rule matches an event.

        Args:
            sent: The events and messages to watch. By default, all that the test has sent by then.
        """
        return LossCheck(self, *sent)

    def logs(self, function_name: str) -> list[str]:
        """Return the log lines of a function, oldest first."""
        return [event.message.rstrip("\n") for event in log_events(self.client("logs"), function_name)]

    def calls(
        self,
        *,
        service: str = "",
        operation: str = "",
        by: str = "",
        resource: str = "",
        since: float | None = None,
    ) -> list[Call]:
        """Return the AWS calls made in the stack's account, in the order of their answers.

        ```python
        assert len(stack.calls(service="s3", operation="PutObject", by="function:writer")) == 1
        ```

        A request to an API names no account, so requests to all APIs of the emulator are included.

        Args:
            service: Keep only calls to this service. Use boto3's name, such as `s3`.
            operation: Keep only calls of this operation. Use the API's name, such as `PutObject`.
            by: Keep only calls by this caller: `function:<name>`, `test:<node id>`, `terraform`, `harness`,
                `emulator` or `unknown`.
            resource: Keep only calls about this ARN or about something inside it, such as a bucket's objects.
            since: Keep only calls from this moment on, in seconds since the epoch. By default, calls since
                the running test began, or all calls outside a test.

        Raises:
            BackendError: The backend keeps no request log.
        """
        begin = caller.current().since if since is None else since
        account = self.endpoint.account
        return [
            call
            for call in RequestLog.of(self.endpoint).calls()
            if call.time.timestamp() >= begin
            and call.account in {"", account}
            and call.fits(service=service, operation=operation, by=by, resource=resource)
        ]

    def refreshed(self) -> Self:
        """Return the same deployment with the root's current outputs."""
        return replace(self, outputs=self.terraform.outputs())

    def plan(self, **variables: str) -> list[Change]:
        """Return the changes that another apply would make."""
        return self.terraform.plan(**variables)

    def resources(self, kind: str = "") -> list[Resource]:
        """Return the resources that Terraform manages: all of them, or one type such as `aws_sqs_queue`."""
        return [found for found in self.terraform.resources() if kind in {"", found.type}]

    def refusals(self) -> list[Refusal]:
        """Return everything in the stack that AWS would refuse although the emulator accepted it.

        See `harness.terraform.rules`.
        """
        return rules.refusals(self.terraform.resources())

    def faults(self, settings: Settings) -> AbstractContextManager[Faults]:
        """Return a context in which you can make the functions' calls fail. See `stack.faults.injected`."""
        from harness.stack import faults  # noqa: PLC0415 - few tests inject any

        return faults.injected(settings, self)

    def reset(self) -> None:
        """Empty the buckets, queues and tables of the stack, so that the next test starts clean.

        Content that Terraform itself manages, such as an `aws_s3_object`, stays.
        """
        with caller.harness():
            reset.empty(self.client, self.terraform.resources())
