from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.loaders import JSONFileLoader

from harness.aws import clients
from harness.values import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.awsrequest import AWSPreparedRequest

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:9", region="eu-west-1")


@pytest.mark.parametrize("service", ["s3", "lambda"])
def test_the_profile_and_the_files_of_the_user_are_not_read(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nsigv4a_signing_region_set = nowhere\nregion = us-east-1\n", "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "a-deploy-jobs-own")
    clients._session.cache_clear()

    client = clients.client(ENDPOINT, service)

    assert (client.meta.region_name, client.meta.config.sigv4a_signing_region_set) == ("eu-west-1", None)


@pytest.mark.parametrize("name", ["endpoints", "events/2015-10-07/service-2", "no-such-model"])
def test_models_are_the_ones_of_botocore_in_plain_dictionaries(name: str) -> None:
    loader = clients._quick_loader()
    file = f"{loader.BUILTIN_DATA_PATH}/{name}"

    read = loader.file_loader.load_file(file)

    assert read == JSONFileLoader().load_file(file)
    assert type(read) in {dict, type(None)}


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("stepfunctions", "start_sync_execution", {"stateMachineArn": "arn:aws:states:::machine"}),
        ("s3control", "get_public_access_block", {"AccountId": "000000000000"}),
        ("s3", "list_objects_v2", {"Bucket": "objects"}),
    ],
)
def test_every_operation_is_asked_of_the_endpoints_own_host(
    service: str, operation: str, arguments: dict[str, str]
) -> None:
    client = clients.client(ENDPOINT, service)
    asked = []

    def refuse(request: AWSPreparedRequest, **_event: object) -> None:
        asked.append(urlsplit(request.url).netloc)
        raise ConnectionRefusedError

    client.meta.events.register("before-send", refuse)
    with pytest.raises(ConnectionRefusedError):
        getattr(client, operation)(**arguments)

    assert asked == ["127.0.0.1:9"]
