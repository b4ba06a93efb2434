"""An applied Terraform root, and what can be done to it whatever it contains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from harness import faults, rules
from harness.aws import clients, reset
from harness.aws.logs import log_events
from harness.aws.rest import DEFAULT_STAGE, ApiClient
from harness.base import caller
from harness.calls import RequestLog
from harness.hops import Hop, Lost, trace_sent
from harness.resources import InvokeResult, Resources
from harness.values import ApiResponse

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.calls import Call
    from harness.faults import Faults
    from harness.rules import Refusal
    from harness.settings import Settings
    from harness.terraform.commands import Terraform
    from harness.values import Change, Endpoint, FiredEvent, Outputs, Resource, Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(Resources):
    """A stack that runs.

    Attributes:
        endpoint: Where it runs.
        terraform: The applied root.
        outputs: What the root put out.
    """

    endpoint: Endpoint
    terraform: Terraform
    outputs: Outputs

    @classmethod
    def at(cls, endpoint: Endpoint, terraform: Terraform, outputs: Outputs) -> Self:
        """Return the stack of an applied root: its endpoint's region is the one that the root deploys to."""
        region = terraform.region() or endpoint.region
        return cls(endpoint=replace(endpoint, region=region), terraform=terraform, outputs=outputs)

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client of `service`, in the stack's region unless `region` names another one."""
        return clients.client(replace(self.endpoint, region=region or self.endpoint.region), service)

    def api_client(self, published: str) -> ApiClient:
        """Return a client of the API or function whose URL on AWS is `published`, such as one of the outputs.

        An HTTP API serves its stage `$default` without naming it in the URL: the stack knows its stages.
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

    def trace(self, sent: FiredEvent | Sent | InvokeResult | ApiResponse) -> tuple[Hop, ...]:
        """Return how far what was sent came, hop by hop; never raise.

        An adapter of your own stack overrides it to follow an event further than the function's end.

        Args:
            sent: What the stack's objects return when they send: an event, a message, an object that was put,
                an item, an invocation, the answer of an API or a function URL.
        """
        asked = sent.sent if isinstance(sent, (InvokeResult, ApiResponse)) else sent
        if asked is None:
            return (Hop(name="accepted", state="unknown", seen="the URL is of no API and no function"),)
        return trace_sent(self, asked)

    def lost(self, *sent: FiredEvent | Sent) -> Lost:
        """Return what tells, during a wait, why nothing more can come of what was sent.

        Give it to `eventually` as `unless`: the wait then ends once a function has failed for good, a message
        lies in a dead-letter queue, or no rule matches an event.

        Args:
            sent: What was sent; by default all that the test has sent by then.
        """
        return Lost(self, *sent)

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
        """Return the AWS calls that were made in the stack's account, in the order of their answers.

        ```python
        assert len(stack.calls(service="s3", operation="PutObject", by="function:writer")) == 1
        ```

        A request to an API tells no account: those of all APIs of the emulator are among them.

        Args:
            service: Only those to a service, by boto3's name, such as `s3`.
            operation: Only those of an operation, by the API's name, such as `PutObject`.
            by: Only those of a caller: `function:<name>`, `test:<node id>`, `terraform`, `harness`,
                `emulator` or `unknown`.
            resource: Only those about an ARN, or about something inside of it, such as a bucket's objects.
            since: Only those from that moment on, in seconds since the epoch. By default those since the
                running test began; outside of a test, all.

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
        """Return the same deployment with the outputs that the root has by now."""
        return replace(self, outputs=self.terraform.outputs())

    def plan(self, **variables: str) -> list[Change]:
        """Return what another apply would change."""
        return self.terraform.plan(**variables)

    def resources(self, kind: str = "") -> list[Resource]:
        """Return the resources that Terraform manages: those of one type, such as `aws_sqs_queue`, or all."""
        return [found for found in self.terraform.resources() if kind in {"", found.type}]

    def refusals(self) -> list[Refusal]:
        """Return what AWS would refuse of the stack, although the emulator took it; see `harness.rules`."""
        return rules.refusals(self.terraform.resources())

    def faults(self, settings: Settings) -> AbstractContextManager[Faults]:
        """Return the context in which the functions' calls can be made to fail: `harness.faults.injected`."""
        return faults.injected(settings, self)

    def reset(self) -> None:
        """Empty the buckets, queues and tables of the stack, so that the next test starts from nothing.

        What Terraform itself has put there, such as an `aws_s3_object`, stays.
        """
        with caller.harness():
            reset.empty(self.client, self.terraform.resources())
