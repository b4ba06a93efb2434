"""The state of a run, which must be a local file, and its content.

Terraform itself takes seconds to read it, because it starts the provider first. `terraform show` prints the
same data. The format: https://developer.hashicorp.com/terraform/internals/json-format, and version 4 in
https://github.com/hashicorp/terraform/blob/v1.11.4/internal/states/statefile/version4.go.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.errors import StateError
from harness.values import Resource, region_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PROVIDER = re.compile(r'.*provider\["(?:[^"]*/)?([^"/]+)"\].*')
_DEFAULT_PROVIDER = '/hashicorp/aws"]'  # how the address of a provider without an alias ends


def check_is_local(root: Path) -> None:
    """Check the backend that `terraform init` has set up in `root`.

    Raises:
        StateError: The state would be somewhere else than in a file in `root`.
    """
    file = root / ".terraform" / "terraform.tfstate"  # the record of `init` about the backend
    if not file.exists():
        raise StateError("an unknown place (`terraform init` has left no record)")
    backend = json.loads(file.read_text("utf-8")).get("backend") or {}
    elsewhere = {name: value for name, value in (backend.get("config") or {}).items() if value is not None}
    if backend.get("type") != "local":
        raise StateError(f"the backend {backend.get('type')!r}")
    if elsewhere:
        raise StateError(f"the backend 'local' with {elsewhere}")


def region(state: Path) -> str:
    """Return the region of the default AWS provider, judging by its resources, or an empty text.

    Args:
        state: A state file.
    """
    own = (found for found in _resources_in(state) if str(found.get("provider")).endswith(_DEFAULT_PROVIDER))
    regions = Counter(
        filter(None, (region_of(attributes) for found in own for _, attributes in _instances(found)))
    )
    return regions.most_common(1)[0][0] if regions else ""


def resources(state: Path, kind: str = "") -> list[Resource]:
    """Return the managed resources in a state file, of one type or all, including those of modules."""
    return [
        Resource(address=address, type=found["type"], values=attributes)
        for found in _resources_in(state)
        if kind in {"", found["type"]}
        for address, attributes in _instances(found)
    ]


def outputs(state: Path) -> dict[str, Any]:
    """Return the values of the root's outputs in a state file, by name."""
    return {name: output["value"] for name, output in _read(state).get("outputs", {}).items()}


def secrets(state: Path) -> list[Any]:
    """Return the values that Terraform takes for sensitive: of outputs, and of resources' attributes."""
    sensitive = [
        output["value"] for output in _read(state).get("outputs", {}).values() if output.get("sensitive")
    ]
    instances = [each for found in _read(state).get("resources", []) for each in found.get("instances", [])]
    return sensitive + [
        each.get("attributes", {}).get(path[0]["value"])
        for each in instances
        for path in each.get("sensitive_attributes", [])
        if len(path) == 1 and path[0].get("type") == "get_attr"
    ]


def managed_by(state: Path) -> set[str]:
    """Return the names of the providers, such as `aws`, that manage the resources of a state file."""
    return {_PROVIDER.sub(r"\1", str(resource.get("provider"))) for resource in _resources_in(state)}


def terraform_version(state: Path) -> str:
    """Return the version of the Terraform that wrote a state file, or an empty text."""
    return str(_read(state).get("terraform_version", ""))


def _resources_in(state: Path) -> list[Mapping[str, Any]]:
    return [resource for resource in _read(state).get("resources", []) if resource.get("mode") == "managed"]


def _read(state: Path) -> Mapping[str, Any]:
    """Return the content of a state file, or nothing if it does not exist or is not Terraform's."""
    try:
        content = json.loads(state.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _instances(resource: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the address and the attributes of each instance."""
    name = ".".join(filter(None, (resource.get("module"), resource.get("type"), resource.get("name"))))
    for instance in resource.get("instances", []):
        index = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
        yield f"{name}{index}", instance.get("attributes") or {}
