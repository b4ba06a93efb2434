"""DescribeAlarms of MiniStack 1.5.33, which leaves out of its XML most of what PutMetricAlarm has said.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch

from lambda_process_executor.query_xml import as_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    type Alarms = MutableMapping[str, dict[str, Any]]
    type Answer = tuple[int, dict[str, str], bytes]
    type Parameters = Mapping[str, list[str]]
    type Handler = Callable[..., Answer]

_REQUESTED = "Requested"  # beside what MiniStack keeps of an alarm, so that a saved state has it too
_TOLD = frozenset(
    {"AlarmName", "AlarmRule", "ComparisonOperator", "DatapointsToAlarm", "EvaluationPeriods", "MetricName"}
    | {"Namespace", "Threshold", "Action", "Version", "Tags"}
)


def install() -> None:
    """Make MiniStack give alarms back as they were made: else Terraform's next plan changes them."""
    plain, composite = cloudwatch._alarms, cloudwatch._composite_alarms  # noqa: SLF001 - the version is pinned
    cloudwatch._put_metric_alarm = _keeping_the_request(cloudwatch._put_metric_alarm, plain)  # noqa: SLF001
    cloudwatch._put_composite_alarm = _keeping_the_request(cloudwatch._put_composite_alarm, composite)  # noqa: SLF001
    cloudwatch._describe_alarms = _telling_all(cloudwatch._describe_alarms, plain, composite)  # noqa: SLF001


def _keeping_the_request(known: Handler, alarms: Alarms) -> Handler:
    @wraps(known)
    def put(parameters: Parameters, *rest: Any) -> Answer:  # noqa: ANN401 - MiniStack's
        answer = known(parameters, *rest)
        if alarm := alarms.get(parameters.get("AlarmName", [""])[0]):
            told = {name: values[0] for name, values in parameters.items()}
            alarm[_REQUESTED] = {name: text for name, text in told.items() if name.split(".")[0] not in _TOLD}
        return answer

    return put


def _telling_all(known: Handler, *every: Alarms) -> Handler:
    @wraps(known)
    def describe(parameters: Parameters, *rest: Any) -> Answer:  # noqa: ANN401 - MiniStack's
        status, headers, body = known(parameters, *rest)
        for name, alarm in (held for alarms in every for held in alarms.items()):
            head = f"<member><AlarmName>{name}</AlarmName>".encode()
            body = body.replace(head, head + as_xml(alarm.get(_REQUESTED, {})).encode())
        return status, headers, body

    return describe
