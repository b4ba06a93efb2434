"""Plans without an account: real provider, dummy credentials, and an STS that identifies them."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from harness.base import isolation, process
from harness.terraform import provider
from harness.terraform.commands import commands_in
from harness.terraform.hcl.scratch import scratch_copy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Settings
    from harness.terraform.commands import Terraform

ACCOUNT = "111122223333"
_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:{partition}:iam::{account}:user/test</Arn><UserId>test</UserId><Account>{account}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>test</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan as Terraform shows it in JSON.

    Attributes:
        document: The output of `terraform show`.
        asked: The regions whose STS was asked for the caller's identity.
    """

    document: dict[str, Any]
    asked: frozenset[str]

    def values(self, kind: str) -> list[dict[str, Any]]:
        """Return the planned attributes of every resource of one type."""
        return [resource["values"] for resource in self.resources() if resource["type"] == kind]

    def outputs(self) -> dict[str, Any]:
        """Return the root's outputs that are known before an apply."""
        planned = self.document["planned_values"]["outputs"]
        return {name: output["value"] for name, output in planned.items() if "value" in output}

    def policies(self, name: str) -> list[dict[str, Any]]:
        """Return the known statements of the policy documents with this name."""
        documents = [
            resource["values"]["json"]
            for resource in self.resources()
            if resource["type"] == "aws_iam_policy_document" and resource["name"] == name
            if resource["values"].get("json")
        ]
        return [statement for document in documents for statement in json.loads(document)["Statement"]]

    def resources(self) -> list[dict[str, Any]]:
        """Return every planned resource and data source that has been read."""
        prior = self.document.get("prior_state", {}).get("values", {}).get("root_module", {})
        planned = self.document["planned_values"]["root_module"]
        return [{"values": {}, **one} for one in (*_resources(planned), *_resources(prior))]


def planned(
    settings: Settings,
    root: Path,
    zip_file: Path | None,
    *,
    partition: str = "aws",
    **variables: str,
) -> Plan:
    """Plan `root` for real AWS, as an account that does not exist."""
    asked = set[str]()
    with offline(settings, root, zip_file, partition=partition, asked=asked) as terraform:
        flags = [f"-var={name}={value}" for name, value in {**terraform.variables, **variables}.items()]
        with provider.served(terraform.root, terraform.environ) as reattached:
            for argv in (
                ["plan", "-input=false", "-no-color", "-out=test.tfplan", *flags],
                ["show", "-json", "test.tfplan"],
            ):
                done = process.run(
                    [terraform.program, *argv],
                    cwd=terraform.root,
                    env={**terraform.environ, **reattached},
                    timeout=terraform.timeout,
                )
    return Plan(document=json.loads(done.stdout), asked=frozenset(asked))


@contextmanager
def offline(
    settings: Settings,
    root: Path,
    zip_file: Path | None,
    *,
    partition: str = "aws",
    asked: set[str] | None = None,
) -> Iterator[Terraform]:
    """Provide the commands on an initialised copy of `root`, in an account that does not exist.

    Args:
        settings: Names the program.
        root: A root that takes the functions' zip, or a module that does not.
        zip_file: The zip. None for a module without one.
        partition: The account's partition.
        asked: Gets the regions whose STS is asked.
    """
    identity = _IDENTITY.format(partition=partition, account=ACCOUNT).encode()
    with _sts(identity, set() if asked is None else asked) as url:
        environ = isolation.without_aws(settings.environ) | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL_STS": url,
            "AWS_REGION": "eu-north-1",
        }
        only = replace(settings, terraform_dir=root, variables={})
        with scratch_copy(root, emulated=False) as copy:
            commands = commands_in(copy, only, environ, {"lambda_zip": str(zip_file)} if zip_file else {})
            commands.init()
            yield replace(commands, environ=isolation.without_network(commands.environ))


@contextmanager
def _sts(identity: bytes, asked: set[str]) -> Iterator[str]:
    """Answer every request with one caller identity, from which the provider takes account and partition."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Sts, identity, asked)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Sts(BaseHTTPRequestHandler):
    def __init__(self, identity: bytes, asked: set[str], *arguments: Any) -> None:  # noqa: ANN401 - handed on
        self._identity = identity
        self._asked = asked
        super().__init__(*arguments)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._asked.update(re.findall(r"Credential=[^/]+/\d{8}/([^/]+)/sts/", self.headers["Authorization"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(self._identity)))
        self.end_headers()
        self.wfile.write(self._identity)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
