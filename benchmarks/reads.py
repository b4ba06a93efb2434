"""Measure reads of ever fuller buckets: time, calls to S3, and whether the answer is right."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.designs import CONTEXT, Design, counting, designs, loaded
from benchmarks.gateway import deployed_reader
from benchmarks.populate import put_all
from harness.aws import clients
from s3_lambda_api.keys import ObjectName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness import Endpoint

__all__ = ["Measured", "measure_reads"]

log = logging.getLogger(__name__)

_INTERVAL = timedelta(minutes=10)
_HANDED_ON = ("SCHEDULE_INTERVAL_SECONDS", "POWERTOOLS_LOG_LEVEL")  # what the deployed reader is told too
_LONGEST = 30.0  # seconds for one design at one size


class Measured(NamedTuple):
    """Reads of one design at one size.

    Attributes:
        design: Its name.
        objects: How many objects the bucket had.
        reads: How many reads were measured.
        p50_ms: Median time of the handler, or of the API's answer, in milliseconds.
        p95_ms: 95th percentile, in milliseconds.
        calls: Calls to S3 per read. None if another process makes them.
        right: Whether every answer was the newest object.
    """

    design: str
    objects: int
    reads: int
    p50_ms: float
    p95_ms: float
    calls: float | None
    right: bool


class Site(NamedTuple):
    """A filled bucket.

    Attributes:
        objects: How many objects it has.
        designs: The designs that read it.
        newest: The body that each read must answer.
    """

    objects: int
    designs: list[Design]
    newest: str


def measure_reads(endpoint: Endpoint, sizes: Sequence[int], package: Path) -> list[Measured]:
    """Measure all designs in buckets of all sizes.

    The objects are ten minutes apart, and the newest is written by the writer itself. The handlers run in
    this process, one read at a time, so only the code and its calls to S3 are measured. This design's handler
    is measured through API Gateway too. The sizes take turns, read by read, so that other work on the machine
    disturbs them all alike.
    """
    _configure(endpoint)
    buckets = [_filled(endpoint, size) for size in sizes]
    sites = [_site(endpoint, bucket, size, package) for bucket, size in zip(buckets, sizes, strict=True)]
    return [measured for index in range(len(sites[0].designs)) for measured in _measure(sites, index)]


def _filled(endpoint: Endpoint, size: int) -> str:
    """Make a bucket with all objects but the newest."""
    log.info("filling a bucket with %s objects", f"{size:,}")
    bucket = f"benchmark-{uuid.uuid4()}"
    clients.client(endpoint, "s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region}
    )
    start = datetime.now(UTC)
    put_all(
        endpoint,
        bucket,
        [ObjectName(start - number * _INTERVAL, f"{number:08x}") for number in range(1, size)],
    )
    return bucket


def _site(endpoint: Endpoint, bucket: str, size: int, package: Path) -> Site:
    newest = _write_newest(bucket)
    variables = {"BUCKET_NAME": bucket} | {name: os.environ[name] for name in _HANDED_ON}
    api = deployed_reader(endpoint, package, variables)
    return Site(size, designs(bucket, clients.client(endpoint, "s3"), api), newest)


def _configure(endpoint: Endpoint) -> None:
    """Set the variables that the functions read when they are loaded."""
    key = clients.client(endpoint, "kms").create_key()["KeyMetadata"]["Arn"]
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint.url,
        AWS_ACCESS_KEY_ID=endpoint.access_key,
        AWS_SECRET_ACCESS_KEY=endpoint.secret_key,
        AWS_DEFAULT_REGION=endpoint.region,
        KMS_KEY_ARN=key,
        SCHEDULE_INTERVAL_SECONDS=str(int(_INTERVAL.total_seconds())),
        POWERTOOLS_LOG_LEVEL="ERROR",
    )


def _write_newest(bucket: str) -> str:
    """Let the writer write, and return the body that a read must answer."""
    writer = loaded("writer", bucket)
    moment = datetime.now(UTC)
    event = {"id": str(uuid.uuid4()), "detail": {"timestamp": moment.isoformat()}}
    with contextlib.redirect_stdout(io.StringIO()):
        writer.handler(event, CONTEXT)
    return ObjectName(moment, "").body.decode()


def _measure(sites: Sequence[Site], index: int) -> list[Measured]:
    """Measure one design at all sites."""
    rounds = [_Rounds(site, site.designs[index]) for site in sites]
    while unfinished := [one for one in rounds if one.more()]:
        for one in unfinished:
            one.read()
    measured = [one.result() for one in rounds]
    log.info("%s", "\n".join(map(str, measured)))
    return measured


class _Rounds:
    """The reads of one design at one site."""

    def __init__(self, site: Site, design: Design) -> None:
        self._site, self._design = site, design
        self._calls: list[str] = []
        self._answers: set[str] = set()
        self._times: list[float] = []

    def more(self) -> bool:
        """Whether another read is wanted, and there is time for it."""
        return len(self._times) < self._design.most_reads and sum(self._times) < _LONGEST * 1000

    def read(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()), counting(self._design.client) as calls:
            begin = time.perf_counter()
            self._answers.add(self._design.read())
            self._times.append((time.perf_counter() - begin) * 1000)
        self._calls += calls

    def result(self) -> Measured:
        p95 = statistics.quantiles(self._times, n=20)[-1] if len(self._times) > 1 else self._times[0]
        return Measured(
            design=self._design.name,
            objects=self._site.objects,
            reads=len(self._times),
            p50_ms=round(statistics.median(self._times), 2),
            p95_ms=round(p95, 2),
            calls=len(self._calls) / len(self._times) if self._design.client else None,
            right=self._answers == {self._site.newest},
        )
