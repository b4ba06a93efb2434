"""The bodies of S3's objects in LocalStack 4.14, which it keeps in temporary files."""

from pathlib import Path
from typing import Any

type Bucket = Any  # LocalStack's
type Body = tuple[Any, bytes, int]  # the object, its content, and the time of writing


def saved(accounts: frozenset[str]) -> dict[str, Any]:
    """Return the bodies of all objects of some accounts, and LocalStack's own buckets, of functions' code."""
    code = {region: dict(store.buckets) for region, store in _regions(_code_account()).items()}
    own = [store.buckets for account in accounts for store in _regions(account).values()]
    buckets = {name: bucket for held in (*own, *code.values()) for name, bucket in held.items()}
    return {"code": code, "bodies": {name: _bodies(name, bucket) for name, bucket in buckets.items()}}


def load(told: dict[str, Any]) -> None:
    """Store what `saved` returned; code comes to that of other accounts."""
    from localstack.services.s3.models import s3_stores  # noqa: PLC0415 # only once LocalStack runs

    for region, buckets in told["code"].items():
        store = s3_stores[_code_account()][region]
        for name, bucket in buckets.items():
            known = store.buckets.setdefault(name, bucket)
            store.global_bucket_map[name] = _code_account()
            for each in bucket.objects.values():
                known.objects.set(each.key, each)
    for name, bodies in told["bodies"].items():
        _store(name, bodies)


def _bodies(name: str, bucket: Bucket) -> list[Body]:
    files = _files()
    found: list[Body] = []
    for each in bucket.objects.values(with_versions=True):
        file = files._get_object_file(name, files._key_from_s3_object(each))  # noqa: SLF001
        if file:  # a delete marker has none
            found.append((each, _read(file), file.internal_last_modified))
    return found


def _read(file: Any) -> bytes:  # noqa: ANN401 - LocalStack's
    with file.position_lock:
        place = file.tell()
        file.seek(0)
        content = file.read()
        file.seek(place)
    return bytes(content)


def _store(name: str, bodies: list[Body]) -> None:
    from localstack.services.s3.storage import ephemeral  # noqa: PLC0415 # only once LocalStack runs

    files = _files()
    folder = Path(files.root_directory) / name
    folder.mkdir(parents=True, exist_ok=True)
    for each, content, written in bodies:
        file = ephemeral.LockedSpooledTemporaryFile(
            dir=str(folder), max_size=ephemeral.S3_MAX_FILE_SIZE_BYTES
        )
        file.write(content)
        file.internal_last_modified = written  # an object of another time would be read anew for ever
        files._filesystem[name]["keys"][files._key_from_s3_object(each)] = file  # noqa: SLF001


def _files() -> Any:  # noqa: ANN401 - LocalStack's
    from localstack.services.plugins import SERVICE_PLUGINS  # noqa: PLC0415 # only once LocalStack runs

    return SERVICE_PLUGINS.require("s3")._provider._storage_backend  # noqa: SLF001


def _regions(account: str) -> dict[str, Any]:
    from localstack.services.s3.models import s3_stores  # noqa: PLC0415 # only once LocalStack runs

    return dict(dict.__getitem__(s3_stores, account)) if account in s3_stores else {}


def _code_account() -> str:
    from localstack import config  # noqa: PLC0415 # only once LocalStack runs

    return str(config.INTERNAL_RESOURCE_ACCOUNT)
