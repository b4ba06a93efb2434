"""The monthly cost of the system. Prices are inputs with a date, and the functions are pure.

`python -m benchmarks.cost` prints the table that the documentation shows.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "AWS_2026_09",
    "PROD",
    "Cost",
    "Inventory",
    "Prices",
    "Requests",
    "Usage",
    "cost",
    "markdown",
    "requests",
]

DAYS = 365 / 12
SECONDS = DAYS * 86_400
_MILLION = 1_000_000
_GB = 1_000_000_000


class Prices(NamedTuple):
    """Prices in USD. A price per million stays one per million.

    Attributes:
        date: When these prices were valid, and where.
        s3_put: A million PUT or LIST requests.
        s3_get: A million GET requests.
        kms: A million requests to KMS.
        lambda_request: A million invocations.
        lambda_gb_second: One second of one GB.
        api_request: A million calls of a REST API.
        trace: A million traces of X-Ray.
        log_gb: One GB of logs taken in.
        key: A KMS key for a month. Each of its first two rotations adds as much.
        alarm_metric: A metric that an alarm looks at, for a month.
        composite_alarm: An alarm on alarms for a month.
        metric: A custom metric for a month. S3's metrics of replication have this price too.
        dashboard: A dashboard for a month.
    """

    date: str
    s3_put: float
    s3_get: float
    kms: float
    lambda_request: float
    lambda_gb_second: float
    api_request: float
    trace: float
    log_gb: float
    key: float
    alarm_metric: float
    composite_alarm: float
    metric: float
    dashboard: float


# https://aws.amazon.com/cloudwatch/pricing/ and the pages of the other services beside it
AWS_2026_09 = Prices(
    date="us-east-1, 2026-09",
    s3_put=5.00,
    s3_get=0.40,
    kms=3.00,
    lambda_request=0.20,
    lambda_gb_second=0.0000133334,  # arm64
    api_request=3.50,
    trace=5.00,
    log_gb=0.50,
    key=1.00,
    alarm_metric=0.10,
    composite_alarm=0.50,
    metric=0.30,
    dashboard=3.00,
)


class Inventory(NamedTuple):
    """The parts of the system that cost something even if nobody uses them.

    Attributes:
        keys: KMS keys.
        alarm_metrics: Metrics that alarms look at. An alarm on an expression has several.
        composite_alarms: Alarms on alarms.
        metrics: The functions' own metrics, and those of replication, each from its first point on.
        dashboards: Dashboards.
        replicas: Copies of each object in other regions.
    """

    keys: int
    alarm_metrics: int
    composite_alarms: int
    metrics: int
    dashboards: int
    replicas: int


# What the plan of `env/prod` has; tests/terraform/test_costs.py counts.
PROD = Inventory(keys=2, alarm_metrics=39, composite_alarms=2, metrics=21, dashboards=2, replicas=1)


class Usage(NamedTuple):
    """How the system is used.

    Attributes:
        interval_seconds: Time between two scheduled objects.
        reads_per_second: Reads through the API, on average.
        stale_share: Share of the reads that find a stale or lost pointer.
        kms_share: Share of the S3 requests that reach KMS in spite of the bucket key.
        write_seconds: Billed time of a write.
        read_seconds: Billed time of a read.
        memory_gb: Memory of a function.
        log_bytes: The log of an invocation: Lambda's own lines, metrics, and the API's access log.
        traced_share: Share of the reads that X-Ray traces.
    """

    interval_seconds: float = 600
    reads_per_second: float = 0
    stale_share: float = 0.0
    kms_share: float = 0.01
    write_seconds: float = 0.15
    read_seconds: float = 0.04
    memory_gb: float = 0.25
    log_bytes: float = 1600
    traced_share: float = 0.0


class Requests(NamedTuple):
    """Requests a month."""

    writes: float
    reads: float
    s3_put: float
    s3_list: float
    s3_get: float
    kms: float


class Cost(NamedTuple):
    """USD a month, without any free tier."""

    s3: float
    kms: float
    functions: float
    api: float
    logs: float
    fixed: float

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return sum(self)


def requests(usage: Usage, inventory: Inventory = PROD) -> Requests:
    """Count the requests of a month.

    A write is three PUTs (object, index entry, pointer), a GET, and two PUTs of tags (on the object and the
    index entry that the pointer has passed), which are priced as any PUT, and as many for each replica. A
    read is two GETs, or a GET, a LIST and a GET if the pointer is stale.
    """
    writes = SECONDS / usage.interval_seconds
    reads = SECONDS * usage.reads_per_second
    copies = 1 + inventory.replicas
    put, tag = 3 * writes * copies, 2 * writes * copies
    get, listed = writes + 2 * reads, reads * usage.stale_share
    return Requests(
        writes=writes,
        reads=reads,
        s3_put=put + tag,
        s3_list=listed,
        s3_get=get,
        kms=(put + get) * usage.kms_share,
    )


def cost(usage: Usage, prices: Prices = AWS_2026_09, inventory: Inventory = PROD) -> Cost:
    """Price a month."""
    count = requests(usage, inventory)
    seconds = count.writes * usage.write_seconds + count.reads * usage.read_seconds
    invocations = count.writes + count.reads
    traces = count.reads * usage.traced_share * prices.trace / _MILLION
    return Cost(
        s3=((count.s3_put + count.s3_list) * prices.s3_put + count.s3_get * prices.s3_get) / _MILLION,
        kms=count.kms * prices.kms / _MILLION,
        functions=invocations * prices.lambda_request / _MILLION
        + seconds * usage.memory_gb * prices.lambda_gb_second,
        api=count.reads * prices.api_request / _MILLION,
        logs=invocations * usage.log_bytes * prices.log_gb / _GB + traces,
        fixed=_fixed(inventory, prices),
    )


def _fixed(inventory: Inventory, prices: Prices) -> float:
    return (
        inventory.keys * prices.key
        + inventory.alarm_metrics * prices.alarm_metric
        + inventory.composite_alarms * prices.composite_alarm
        + inventory.metrics * prices.metric
        + inventory.dashboards * prices.dashboard
    )


def markdown(prices: Prices = AWS_2026_09) -> str:
    """Tabulate the default schedule at 0, 1, 10 and 100 reads a second."""
    header = ["reads/s", "writes", "reads", "PUT", "GET", "KMS"]
    header += [f"{what} USD" for what in ("S3", "KMS", "Lambda", "API", "logs", "fixed")] + ["USD"]
    lines = [f"| {' | '.join(header)} |", "| --: " * len(header) + "|"]
    for rate in (0, 1, 10, 100):
        usage = Usage(reads_per_second=rate)
        count, price = requests(usage), cost(usage, prices)
        counts = (count.writes, count.reads, count.s3_put, count.s3_get, count.kms)
        dollars = (*price, price.total)
        cells = [
            str(rate),
            *(f"{number:,.0f}" for number in counts),
            *(f"{number:,.2f}" for number in dollars),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown())  # noqa: T201 - it is what this is for
