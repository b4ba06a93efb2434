"""Save and load the state of LocalStack 4.14, with a route of its gateway.

Each provider shows its state to a visitor: bundles of its own stores, and moto's backends, both by account
and region. The bodies of S3's objects are saved beside it. Workers on the state are restarted.
"""

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from localstack.runtime import hooks

from lambda_process_executor import localstack_bodies, localstack_workers
from lambda_process_executor.state import PATH, UNREADABLE, accounts_of

_KIND = "application/octet-stream"
_TABLES = "moto.dynamodb.models"
_LOCAL = "attr_"  # LocalStack's prefix for a store's own attributes

type Accounts = frozenset[str]
type Container = Any  # LocalStack's `AccountRegionBundle`, or moto's `BackendDict`
type Part = dict[str, Any]  # a part of a container's content


class UnfitStateError(Exception):
    """Something can't be saved, or is not a saved state."""


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def serve_state() -> None:
    """Serve the state below `PATH`."""
    from localstack.http import Response  # noqa: PLC0415 # only once LocalStack starts
    from localstack.services.edge import ROUTER  # noqa: PLC0415 # as above

    def served(request: Any, **_rest: object) -> Any:  # noqa: ANN401 - LocalStack's
        try:
            if request.method == "GET":
                return Response(saved(accounts_of(request.args.get("accounts", ""))), mimetype=_KIND)
            load(request.get_data())
        except UnfitStateError as problem:
            return Response(str(problem), status=400, mimetype=_KIND)
        return Response("", mimetype=_KIND)

    ROUTER.add(PATH, endpoint=served, methods=["GET", "PUT"])


def saved(accounts: Accounts) -> bytes:
    """Return the saved state of some accounts.

    Raises:
        UnfitStateError: A service holds something that can't be saved.
    """
    from localstack.state import pickle  # noqa: PLC0415 # only once LocalStack runs

    _teach_pickle()
    services: dict[str, bytes] = {}
    for name, service in _loaded():
        try:
            services[name] = pickle.dumps([_taken(each, accounts) for each in _containers(service)])
            pickle.loads(services[name])  # some saved states can't be loaded again
        except Exception as problem:
            raise UnfitStateError(f"the state of {name} can't be saved: {problem!r}") from problem
    bodies = localstack_bodies.saved(accounts)
    return bytes(pickle.dumps({"accounts": accounts, "services": services, "bodies": bodies}))


def load(content: bytes) -> None:
    """Replace the state of some accounts with the result of `saved`.

    Raises:
        UnfitStateError: It is something else, or can't be loaded. The accounts are empty then.
    """
    from localstack.state import pickle  # noqa: PLC0415 # only once LocalStack runs

    try:
        told = pickle.loads(content)
        accounts, bodies = told["accounts"], told["bodies"]
        services = {name: pickle.loads(parts) for name, parts in told["services"].items()}
    except Exception as problem:
        raise UnfitStateError(f"{UNREADABLE}: {problem!r}") from problem
    try:
        _replace(accounts, services)
        localstack_bodies.load(bodies)
        localstack_workers.start(dict(_loaded()), accounts)
    except Exception as problem:
        _replace(accounts, {})
        raise UnfitStateError(f"it can't be brought to life: {problem!r}") from problem


def _replace(accounts: Accounts, services: dict[str, list[Part]]) -> None:
    """Replace the state of each service for some accounts."""
    from localstack.services.plugins import SERVICE_PLUGINS  # noqa: PLC0415 # only once LocalStack runs

    for name in services:
        SERVICE_PLUGINS.require(name)
    loaded = dict(_loaded())
    localstack_workers.stop(loaded, accounts)
    for name, service in loaded.items():
        containers = _containers(service)
        parts = services.get(name) or [{} for _ in containers]
        for container, part in zip(containers, parts, strict=True):
            _empty(container, accounts)
            _fill(container, part)


def _loaded() -> list[tuple[str, Any]]:
    """Return the services that have been used, each with its name."""
    from localstack.services.plugins import SERVICE_PLUGINS  # noqa: PLC0415 # only once LocalStack runs

    containers = SERVICE_PLUGINS._get_loaded_service_containers()  # noqa: SLF001
    return [(each.service.name(), each.service) for each in containers]


class _Collector:
    """Collects the state that a provider shows.

    Directories are ignored, because they are recreated or hold bodies.
    """

    def __init__(self) -> None:
        self.containers: list[Container] = []

    def visit(self, container: Container) -> None:
        if isinstance(container, dict):
            self.containers.append(container)


def _containers(service: Any) -> list[Container]:  # noqa: ANN401 - LocalStack's
    collector = _Collector()
    service.accept_state_visitor(collector)
    tables = sys.modules.get(_TABLES)  # LocalEmu has DynamoDB's in there, and does not show them
    if service.name() == "dynamodb" and tables:
        collector.visit(tables.dynamodb_backends)
    return list({id(each): each for each in collector.containers}.values())


def _taken(container: Container, accounts: Accounts) -> Part:
    """Return a container's content for some accounts."""
    held = {account: dict.__getitem__(container, account) for account in accounts & container.keys()}
    if not _is_bundle(container):
        return {account: dict(regions) for account, regions in held.items()}
    owned = {key for bundle in held.values() for values in _values(bundle) for key in _keys(values)}
    return {
        "regions": {
            account: {region: _own(store) for region, store in bundle.items()}
            for account, bundle in held.items()
        },
        "global": {account: dict(bundle._global) for account, bundle in held.items()},  # noqa: SLF001
        "universal": {
            name: {key: value for key, value in entries.items() if key in owned or _names(key, accounts)}
            for name, entries in container._universal.items()  # noqa: SLF001
            if isinstance(entries, dict)
        },
    }


def _empty(container: Container, accounts: Accounts) -> None:
    for account in accounts & container.keys():
        held = dict.__getitem__(container, account)
        if not _is_bundle(container):
            held.clear()
            continue
        held._global.clear()  # noqa: SLF001
        for store in held.values():
            for name in _own(store):
                delattr(store, name)


def _fill(container: Container, part: Part) -> None:
    """Fill an empty container with the result of `_taken`."""
    if not _is_bundle(container):
        for account, regions in part.items():
            container[account].update(regions)
        return
    for account, values in part.get("global", {}).items():
        container[account]._global.update(values)  # noqa: SLF001
    for account, regions in part.get("regions", {}).items():
        for region, values in regions.items():
            vars(container[account][region]).update(values)
    for name, entries in part.get("universal", {}).items():
        container._universal.setdefault(name, {}).update(entries)  # noqa: SLF001


def _is_bundle(container: Container) -> bool:
    return hasattr(container, "_universal")


def _own(store: Any) -> dict[str, Any]:  # noqa: ANN401 - LocalStack's
    return {name: value for name, value in vars(store).items() if name.startswith(_LOCAL)}


def _values(bundle: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - LocalStack's
    """Yield the values of an account's stores, by region and across regions."""
    yield from map(_own, bundle.values())
    yield bundle._global  # noqa: SLF001


def _keys(values: dict[str, Any]) -> Iterator[object]:
    for value in values.values():
        if isinstance(value, dict):
            yield from value


def _names(key: object, accounts: Accounts) -> bool:
    return any(account in str(key) for account in accounts)


def _teach_pickle() -> None:
    """Teach dill types that it would restore wrongly: locks that seem free but are not, moto's parameters."""
    from localstack.state import pickle  # noqa: PLC0415 # only once LocalStack runs

    for make in (threading.Lock, threading.RLock):
        pickle.register(type(make()))(functools.partial(_save_new, make))
    if parameters := sys.modules.get("moto.ssm.models"):
        pickle.register(parameters.ParameterDict)(_save_parameters)


def _save_new(make: Callable[[], object], pickler: Any, lock: object) -> None:  # noqa: ANN401 - dill's
    pickler.save_reduce(make, (), obj=lock)


def _save_parameters(pickler: Any, each: Any) -> None:  # noqa: ANN401 - dill's, and moto's
    pickler.save_reduce(_parameters, (type(each), vars(each), dict(each)), obj=each)


def _parameters(kind: Any, own: dict[str, Any], items: dict[str, Any]) -> Any:  # noqa: ANN401 - moto's
    made = kind(own["account_id"], own["region_name"])
    vars(made).update(own)
    made.update(items)
    return made
