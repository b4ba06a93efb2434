from __future__ import annotations

import json

from harness.aws.metrics import Metric, totals


def line(**values: object) -> str:
    """Return a line that emits `Events` and `Seconds`, by service and in total."""
    directive = {
        "Namespace": "shop",
        "Dimensions": [["service", "stage"], []],
        "Metrics": [{"Name": "Events", "Unit": "Count"}, {"Name": "Seconds"}],
    }
    about = {"Timestamp": 1, "CloudWatchMetrics": [directive]}
    return json.dumps(
        {"_aws": about, "service": "orders", "stage": "dev", "Events": 1, "Seconds": [], **values}
    )


BY_SERVICE = (("service", "orders"), ("stage", "dev"))


def test_values_add_up_for_each_metric_and_each_set_of_dimensions() -> None:
    found = totals([line(), line(Events=[2.5, 1]), line(stage="prod")])

    assert found[Metric(namespace="shop", name="Events", dimensions=BY_SERVICE)] == 4.5
    assert found[Metric(namespace="shop", name="Events")] == 5.5
    assert found[Metric(namespace="shop", name="Seconds")] == 0


def test_a_metric_without_dimensions_has_none() -> None:
    directive = {"Namespace": "shop", "Metrics": [{"Name": "Events"}]}
    plain = json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "Events": 2})

    assert totals([plain]) == {Metric(namespace="shop", name="Events"): 2}


def test_other_lines_are_passed_over() -> None:
    assert totals(["START", "{broken", "{}", '{"_aws": 1}', '{"message": "Events"}']) == {}


def test_a_metric_tells_itself() -> None:
    assert str(Metric(namespace="shop", name="Events", dimensions=BY_SERVICE)) == (
        "shop/Events{service=orders, stage=dev}"
    )
