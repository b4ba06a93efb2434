"""The outputs of this repository's Terraform roots, and the event of their rule."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from harness.values import FiredEvent

if TYPE_CHECKING:
    from harness.values import Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The outputs of `terraform/env/*`: the contract between this project's Terraform and its tests."""

    environment: str
    region: str
    account_id: str
    bucket_name: str
    object_prefix: str
    pointer_key: str
    kms_key_arn: str
    create_function_name: str
    create_function_arn: str
    retrieve_function_name: str
    retrieve_function_arn: str
    api_id: str
    api_stage: str
    api_path: str
    api_execution_arn: str
    api_url: str
    event_bus_name: str
    event_source: str
    event_detail_type: str
    schedule_rule_name: str
    on_demand_rule_name: str

    @classmethod
    def of(cls, outputs: Outputs) -> Self:
        """Return the system that `outputs` describe.

        Raises:
            OutputError: One of the outputs is missing.
        """
        return cls(**{item.name: outputs[item.name] for item in fields(cls)})


def on_demand(system: System, *, timestamp: datetime | None = None) -> FiredEvent:
    """Return the event that the on-demand rule of `system` waits for, not sent yet.

    Args:
        system: The system, with the bus and the values of the rule's pattern.
        timestamp: The event's own time. Now by default. EventBridge's has only whole seconds.
    """
    moment = (timestamp or datetime.now(UTC)).astimezone(UTC)
    return FiredEvent(
        id="",
        timestamp=moment,
        bus=system.event_bus_name,
        source=system.event_source,
        detail_type=system.event_detail_type,
        detail={"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    )
