"""Plans without an account: real provider, dummy credentials, and an STS that says who they are."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from harness.base import isolation, process
from harness.terraform.commands import prepared

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
    """A plan as Terraform shows it in JSON."""

    document: dict[str, Any]

    def values(self, kind: str) -> list[dict[str, Any]]:
        """Return the planned attributes of every resource of one type."""
        return [resource["values"] for resource in self.resources() if resource["type"] == kind]

    def policies(self, name: str) -> list[dict[str, Any]]:
        """Return the statements of the policy documents with this name, as far as they are known."""
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


@contextmanager
def planned(
    settings: Settings,
    root: Path,
    zip_file: Path,
    *,
    partition: str = "aws",
    file: Path | None = None,
    **variables: str,
) -> Iterator[Plan]:
    """Plan `root` for real AWS, as an account that does not exist, with the variables of `file`."""
    with offline(settings, root, zip_file, partition=partition) as terraform:
        flags = [f"-var={name}={value}" for name, value in {**terraform.variables, **variables}.items()]
        files = [f"-var-file={file}"] if file else []
        for argv in (
            ["plan", "-input=false", "-no-color", "-out=test.tfplan", *files, *flags],
            ["show", "-json", "test.tfplan"],
        ):
            done = process.run(
                [terraform.program, *argv],
                cwd=terraform.root,
                env=terraform.environ,
                timeout=terraform.timeout,
            )
        yield Plan(document=json.loads(done.stdout))


@contextmanager
def offline(settings: Settings, root: Path, zip_file: Path, *, partition: str = "aws") -> Iterator[Terraform]:
    """Provide the commands on an initialised copy of `root`, in an account that does not exist."""
    with _sts(_IDENTITY.format(partition=partition, account=ACCOUNT).encode()) as url:
        environ = isolation.without_aws(settings.environ) | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL_STS": url,
        }
        only = replace(settings, terraform_dir=root, variables={})
        with prepared(only, environ, {"lambda_zip": str(zip_file)}) as terraform:
            yield replace(terraform, environ=isolation.without_network(terraform.environ))


@contextmanager
def _sts(identity: bytes) -> Iterator[str]:
    """Answer every request with one caller identity: the provider takes account and partition from it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Sts, identity)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Sts(BaseHTTPRequestHandler):
    def __init__(self, identity: bytes, *arguments: Any) -> None:  # noqa: ANN401 - handed on as they are
        self._identity = identity
        super().__init__(*arguments)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
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
