"""What the system costs a month. Pure; prices are inputs, and have a date.

`python -m benchmarks.cost` prints the table that the documentation shows.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AWS_2026_09", "Cost", "Prices", "Requests", "Usage", "cost", "markdown", "requests"]

DAYS = 365 / 12
SECONDS = DAYS * 86_400
_MILLION = 1_000_000


class Prices(NamedTuple):
    """USD; what is charged by the million is given by the million.

    Attributes:
        date: When these prices were valid, and where.
        s3_put: A million PUT or LIST requests.
        s3_get: A million GET requests.
        kms: A million requests to KMS.
        lambda_request: A million invocations.
        lambda_gb_second: One second of one GB.
        api_request: A million calls of a REST API.
    """

    date: str
    s3_put: float
    s3_get: float
    kms: float
    lambda_request: float
    lambda_gb_second: float
    api_request: float


AWS_2026_09 = Prices(
    date="us-east-1, 2026-09",
    s3_put=5.00,
    s3_get=0.40,
    kms=3.00,
    lambda_request=0.20,
    lambda_gb_second=0.0000133334,  # arm64
    api_request=3.50,
)


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
    """

    interval_seconds: float = 600
    reads_per_second: float = 0
    stale_share: float = 0.0
    kms_share: float = 0.01
    write_seconds: float = 0.15
    read_seconds: float = 0.04
    memory_gb: float = 0.25


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

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self)


def requests(usage: Usage) -> Requests:
    """Count the requests of a month.

    A write is three PUTs (object, index entry, pointer), a GET, and two PUTs of tags (on the object and the
    index entry that the pointer has passed), which are priced as any PUT; a read is two GETs, or a GET, a
    LIST and a GET where the pointer is stale.
    """
    writes = SECONDS / usage.interval_seconds
    reads = SECONDS * usage.reads_per_second
    put, tag, get, listed = 3 * writes, 2 * writes, writes + 2 * reads, reads * usage.stale_share
    return Requests(
        writes=writes,
        reads=reads,
        s3_put=put + tag,
        s3_list=listed,
        s3_get=get,
        kms=(put + get) * usage.kms_share,
    )


def cost(usage: Usage, prices: Prices = AWS_2026_09) -> Cost:
    """Price a month."""
    count = requests(usage)
    seconds = count.writes * usage.write_seconds + count.reads * usage.read_seconds
    invocations = count.writes + count.reads
    return Cost(
        s3=((count.s3_put + count.s3_list) * prices.s3_put + count.s3_get * prices.s3_get) / _MILLION,
        kms=count.kms * prices.kms / _MILLION,
        functions=invocations * prices.lambda_request / _MILLION
        + seconds * usage.memory_gb * prices.lambda_gb_second,
        api=count.reads * prices.api_request / _MILLION,
    )


def markdown(prices: Prices = AWS_2026_09) -> str:
    """Tabulate the default schedule at 0, 1, 10 and 100 reads a second."""
    lines = [
        "| reads/s | writes | reads | PUT | GET | KMS | S3 USD | KMS USD | Lambda USD | API USD | USD |",
        "| --: " * 11 + "|",
    ]
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
