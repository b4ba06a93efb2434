"""What LocalEmu 1.3.2 lacks to expire the objects of S3 by their tags, and to do so while a test waits."""

from typing import Any

from localemu.runtime import hooks

_SECONDS = 5


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def expire_objects() -> None:
    """Shorten the pause between two looks at the rules of all buckets, and let them see objects' tags."""
    from localemu.services.s3 import lifecycle  # noqa: PLC0415 # only once LocalEmu starts
    from localemu.utils.tagging import Tags  # noqa: PLC0415 # as above

    lifecycle._LIFECYCLE_SCAN_INTERVAL = _SECONDS  # noqa: SLF001 - the version is pinned
    Tags.tags = property(_tags)  # the name by which the rules look for them


def _tags(self: Any) -> object:  # noqa: ANN401 - LocalEmu's
    return self._tags
