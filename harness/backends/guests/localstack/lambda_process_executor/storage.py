"""Keeps the LocalStacks of one machine apart, and off each other's files."""

import atexit
import functools
import os
import tempfile
from pathlib import Path

from localstack.runtime import hooks

from lambda_process_executor.bundles import remove_tree


@functools.cache
def work_directory() -> Path:
    """Return a directory of this LocalStack process alone, removed when it ends.

    Not below LocalStack's own: one that several LocalStacks share is emptied by the first that stops.
    """
    parent = Path(os.environ.get("FILESYSTEM_ROOT") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="lambda-", dir=parent))
    atexit.register(remove_tree, directory)
    return directory


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def keep_buckets_apart() -> None:
    """Give S3 a directory of its own.

    LocalStack 4.14 puts the buckets of all users of a machine into one under /tmp, where the second user may
    not write, and where deleting a bucket deletes that of the same name of another LocalStack.
    """
    from localstack.services.s3 import provider  # noqa: PLC0415 # only once LocalStack starts

    provider.DEFAULT_S3_TMP_DIR = str(work_directory() / "s3")
