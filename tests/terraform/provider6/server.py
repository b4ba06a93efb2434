"""A provider that has a schema and manages nothing. `terraform validate` needs no more.

It answers in the plugin protocol, version 5. All of Terraform's own checks take place: unknown, missing and
read-only arguments, types, and references. The checks of the real provider's code do not, such as the values
of an argument.
https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NESTING = {"single": 1, "list": 2, "set": 3}


@contextmanager
def served(schema: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Serve a provider with this schema while the context is open.

    Yields:
        The addition to Terraform's environment by which it uses this provider, whatever is installed.
    """
    with TemporaryDirectory(prefix="provider-") as folder, ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, handlers=[_Provider(schema)])
        socket = Path(folder) / "socket"
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        try:
            address = {
                "Protocol": "grpc",
                "ProtocolVersion": 5,
                "Pid": os.getpid(),
                "Test": True,
                "Addr": {"Network": "unix", "String": str(socket)},
            }
            yield {"TF_REATTACH_PROVIDERS": json.dumps({"hashicorp/aws": address})}
        finally:
            server.stop(grace=None).wait()


class _Provider(grpc.GenericRpcHandler):  # type: ignore[misc]  # it has no types
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._answers: dict[str, Callable[[bytes], bytes]] = {
            "GetSchema": lambda _: _schemas(schema),
            "PrepareProviderConfig": lambda request: request,  # both have the configuration in field 1
            "ValidateResourceTypeConfig": lambda _: b"",
            "ValidateDataSourceConfig": lambda _: b"",
            "Stop": lambda _: b"",
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        answer = self._answers.get(handler_call_details.method.removeprefix("/tfplugin5.Provider/"))
        return grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request)) if answer else None


def _schemas(schema: Mapping[str, Any]) -> bytes:
    kinds = [(field, each) for field, mode in ((2, "resource"), (3, "data")) for each in schema[mode].items()]
    entries = [
        _field(field, _field(1, kind.encode()) + _field(2, _schema(block))) for field, (kind, block) in kinds
    ]
    return _field(1, _schema(schema["provider"])) + b"".join(entries)


def _schema(block: Mapping[str, Any]) -> bytes:
    return _field(2, _block(block))


def _block(block: Mapping[str, Any]) -> bytes:
    attributes = [_field(2, _attribute(name, each)) for name, each in block["attributes"].items()]
    nested = [_field(3, _nested(name, each)) for name, each in block["block_types"].items()]
    return b"".join([*attributes, *nested])


def _attribute(name: str, attribute: Mapping[str, Any]) -> bytes:
    flags = [(4, "required"), (5, "optional"), (6, "computed")]
    is_set = b"".join(_number(field, 1) for field, flag in flags if attribute.get(flag))
    return _field(1, name.encode()) + _field(2, json.dumps(attribute["type"]).encode()) + is_set


def _nested(name: str, nested: Mapping[str, Any]) -> bytes:
    counts = _number(4, nested["min_items"]) + _number(5, nested["max_items"])
    nesting = _number(3, _NESTING[nested["nesting_mode"]])
    return _field(1, name.encode()) + _field(2, _block(nested["block"])) + nesting + counts


def _field(number: int, content: bytes) -> bytes:
    """Encode a field of bytes, a text or a message, in the wire format of Protocol Buffers."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    groups = []
    while True:
        value, group = value >> 7, value & 127
        groups.append(group | 128 if value else group)
        if not value:
            return bytes(groups)
