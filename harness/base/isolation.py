"""Environments for child processes that can't reach real AWS: a stray call fails closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.base import gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.values import Endpoint

# The discard port. Nothing listens there, so a call through it is refused at once.
DEAD_PROXY = "http://127.0.0.1:9"
_ADDRESS = "127.0.0.1"
_LOCAL_HOSTS = "127.0.0.1,localhost,.localhost.localstack.cloud"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without anything that selects an AWS account, endpoint or profile.

    https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
    """
    return {name: value for name, value in environ.items() if not name.startswith("AWS_")} | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def without_network(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with a dead proxy for all hosts but this machine and the endpoint."""
    endpoint = urlsplit(environ.get("AWS_ENDPOINT_URL", "")).hostname
    return _behind(DEAD_PROXY, environ, reached=",".join(filter(None, (_LOCAL_HOSTS, endpoint))))


def behind_gate(url: str, environ: Mapping[str, str], *, asker: str) -> dict[str, str]:
    """Return `environ` with the gate at `url` as the way to every host, but for 127.0.0.1.

    Args:
        url: The gate. If it is empty, no other host can be reached.
        environ: The environment.
        asker: The name of the sender in the gate's refusals.
    """
    if not url:
        return without_network(environ)
    return _behind(gate.for_asker(url, asker), environ, reached=_ADDRESS)


def _behind(proxy: str, environ: Mapping[str, str], *, reached: str) -> dict[str, str]:
    both_cases = {name.lower(): proxy for name in _PROXIES} | dict.fromkeys(_PROXIES, proxy)
    return {**environ, **both_cases, "NO_PROXY": reached, "no_proxy": reached}


def environ_for(endpoint: Endpoint, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with `endpoint` as the only AWS for SDKs and Terraform's provider."""
    if endpoint.is_aws:
        return {**environ, "AWS_REGION": endpoint.region, "AWS_DEFAULT_REGION": endpoint.region}
    return without_aws(environ) | {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        "AWS_REGION": endpoint.region,
        "AWS_DEFAULT_REGION": endpoint.region,
        **({"AWS_CA_BUNDLE": endpoint.ca} if endpoint.ca else {}),
    }
