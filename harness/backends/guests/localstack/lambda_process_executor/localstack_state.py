"""Hands out what LocalStack 4.14 holds, and takes it back: a route of its gateway.

Every provider shows what it holds to a visitor: bundles of its own stores, and moto's backends. Both are by
account and region. The bodies of S3's objects are beside them. What works on what is held, such as the timers
of rules and the environments of functions, is not saved: it is started anew.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from localstack.runtime import hooks

from lambda_process_executor.state import PATH, UNREADABLE, accounts_of

LOG = logging.getLogger(__name__)
_LOCAL = "attr_"  # how LocalStack names what a store has of its own
_START_TIMEOUT = 60.0  # seconds, for all versions of all functions
_KIND = "application/octet-stream"

type Part = dict[str, Any]


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


class UnfitStateError(Exception):
    """Something can't be saved, or is none that was."""


def saved(accounts: frozenset[str]) -> bytes:
    """Return what is held for some accounts.

    Raises:
        UnfitStateError: A service holds something that can't be saved.
    """
    from localstack.state import pickle  # noqa: PLC0415 # only once LocalStack runs

    services: dict[str, bytes] = {}
    for name, service in _loaded():
        try:
            services[name] = pickle.dumps([_taken(each, accounts) for each in _containers(service)])
        except Exception as problem:
            raise UnfitStateError(f"what {name} holds can't be saved: {problem!r}") from problem
    told = {"accounts": accounts, "services": services, "bodies": _bodies(accounts)}
    return bytes(pickle.dumps(told))


def load(content: bytes) -> None:
    """Let what `saved` returned take the place of what is held for its accounts.

    Raises:
        UnfitStateError: It is something else.
    """
    from localstack.services.plugins import SERVICE_PLUGINS  # noqa: PLC0415 # only once LocalStack runs
    from localstack.state import pickle  # noqa: PLC0415 # as above

    try:
        told = pickle.loads(content)
        accounts, bodies = told["accounts"], told["bodies"]
        services = {name: pickle.loads(parts) for name, parts in told["services"].items()}
    except Exception as problem:
        raise UnfitStateError(f"{UNREADABLE}: {problem!r}") from problem
    for name in services:
        SERVICE_PLUGINS.require(name)
    loaded = dict(_loaded())
    for name, service in loaded.items():
        _HALTED.get(name, _nothing)(service._provider, accounts)  # noqa: SLF001
    for name, service in loaded.items():
        containers = _containers(service)
        parts = services.get(name) or [{} for _ in containers]
        for container, part in zip(containers, parts, strict=True):
            _give(container, part, accounts)
    _give_bodies(bodies)
    for name in services:
        _WOKEN.get(name, _nothing)(loaded[name]._provider, accounts)  # noqa: SLF001


def _loaded() -> list[tuple[str, Any]]:
    from localstack.services.plugins import SERVICE_PLUGINS  # noqa: PLC0415 # only once LocalStack runs

    containers = SERVICE_PLUGINS._get_loaded_service_containers()  # noqa: SLF001
    return [(each.service.name(), each.service) for each in containers]


class _Collector:
    def __init__(self) -> None:
        self.containers: list[Any] = []

    def visit(self, container: Any) -> None:  # noqa: ANN401 - LocalStack's
        """Take a bundle or a backend; a directory has nothing that is not rebuilt, or kept with the bodies."""
        if isinstance(container, dict):
            self.containers.append(container)


def _containers(service: Any) -> list[Any]:  # noqa: ANN401 - LocalStack's
    collector = _Collector()
    service.accept_state_visitor(collector)
    return collector.containers


def _taken(container: Any, accounts: frozenset[str]) -> Part:  # noqa: ANN401 - LocalStack's
    """Return what a bundle of stores, or a backend of moto, holds for some accounts."""
    held = {account: dict.__getitem__(container, account) for account in accounts if account in container}
    if not hasattr(container, "_universal"):
        return {account: dict(regions) for account, regions in held.items()}
    owned = {key for regions in held.values() for store in regions.values() for key in _keys(store)}
    shared = {
        name: {key: value for key, value in entries.items() if key in owned or _names(key, accounts)}
        for name, entries in container._universal.items()  # noqa: SLF001
        if isinstance(entries, dict)
    }
    regions = {
        account: {region: _own(store) for region, store in regions.items()}
        for account, regions in held.items()
    }
    globals_ = {account: dict(regions._global) for account, regions in held.items()}  # noqa: SLF001
    return {"regions": regions, "globals": globals_, "shared": shared}


def _own(store: Any) -> dict[str, Any]:  # noqa: ANN401 - LocalStack's
    return {name: value for name, value in vars(store).items() if name.startswith(_LOCAL)}


def _keys(store: Any) -> Iterator[object]:  # noqa: ANN401 - LocalStack's
    for value in _own(store).values():
        if isinstance(value, dict):
            yield from value


def _names(key: object, accounts: frozenset[str]) -> bool:
    return any(account in str(key) for account in accounts)


def _give(container: Any, part: Part, accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    """Let what `_taken` returned take the place of what a container holds for some accounts."""
    if not hasattr(container, "_universal"):
        for account in accounts & container.keys():
            dict.__getitem__(container, account).clear()
        for account, regions in part.items():
            container[account].update(regions)
        return
    for account in accounts & container.keys():
        bundle = dict.__getitem__(container, account)
        bundle._global.clear()  # noqa: SLF001
        for store in bundle.values():
            for name in _own(store):
                delattr(store, name)
    for account, regions in part.get("regions", {}).items():
        container[account]._global.update(part["globals"][account])  # noqa: SLF001
        for region, values in regions.items():
            vars(container[account][region]).update(values)
    for name, entries in part.get("shared", {}).items():
        container._universal.setdefault(name, {}).update(entries)  # noqa: SLF001


def _bodies(accounts: frozenset[str]) -> dict[str, Any]:
    """Return LocalStack's own buckets, of functions' code, and the bodies of all objects by bucket."""
    from localstack.services.s3.models import s3_stores  # noqa: PLC0415 # only once LocalStack runs

    internal = {region: dict(store.buckets) for region, store in _code_stores().items()}
    buckets = {
        name: bucket
        for held in (
            *(store.buckets for account in accounts for store in _stores(s3_stores, account)),
            *internal.values(),
        )
        for name, bucket in held.items()
    }
    store = _object_store()
    bodies = {
        name: [(each, _read(file)) for each in _objects(bucket) if (file := _file(store, name, each))]
        for name, bucket in buckets.items()
    }
    return {"internal": internal, "bodies": bodies}


def _give_bodies(told: dict[str, Any]) -> None:
    """Store the bodies of objects, and add the code to that which LocalStack has of other functions."""
    from localstack.services.s3.models import s3_stores  # noqa: PLC0415 # only once LocalStack runs

    for region, buckets in told["internal"].items():
        held = s3_stores[_code_account()][region]
        for name, bucket in buckets.items():
            if name in held.buckets:
                for each in bucket.objects.values():
                    held.buckets[name].objects.set(each.key, each)
            else:
                held.buckets[name] = bucket
                held.global_bucket_map[name] = _code_account()
    store = _object_store()
    for name, bodies in told["bodies"].items():
        for each, (content, modified) in bodies:
            file = _written(store, name, content)
            file.internal_last_modified = modified
            store._filesystem[name]["keys"][store._key_from_s3_object(each)] = file  # noqa: SLF001


def _objects(bucket: Any) -> list[Any]:  # noqa: ANN401 - LocalStack's
    return list(bucket.objects.values(with_versions=True))


def _file(store: Any, bucket: str, each: Any) -> Any:  # noqa: ANN401 - LocalStack's
    """Return the file with an object's body; None if it is a delete marker, which has none."""
    return store._get_object_file(bucket, store._key_from_s3_object(each))  # noqa: SLF001


def _read(file: Any) -> tuple[bytes, int]:  # noqa: ANN401 - LocalStack's
    with file.position_lock:
        place = file.tell()
        file.seek(0)
        content = file.read()
        file.seek(place)
    return bytes(content), file.internal_last_modified


def _written(store: Any, bucket: str, content: bytes) -> Any:  # noqa: ANN401 - LocalStack's
    from pathlib import Path  # noqa: PLC0415

    from localstack.services.s3.storage import ephemeral  # noqa: PLC0415 # only once LocalStack runs

    folder = Path(store.root_directory) / bucket
    folder.mkdir(parents=True, exist_ok=True)
    file = ephemeral.LockedSpooledTemporaryFile(dir=str(folder), max_size=ephemeral.S3_MAX_FILE_SIZE_BYTES)
    file.write(content)
    return file


def _object_store() -> Any:  # noqa: ANN401 - LocalStack's
    from localstack.services.plugins import SERVICE_PLUGINS  # noqa: PLC0415 # only once LocalStack runs

    return SERVICE_PLUGINS.require("s3")._provider._storage_backend  # noqa: SLF001


def _code_account() -> str:
    from localstack import config  # noqa: PLC0415 # only once LocalStack runs

    return str(config.INTERNAL_RESOURCE_ACCOUNT)


def _code_stores() -> dict[str, Any]:
    from localstack.services.s3.models import s3_stores  # noqa: PLC0415 # only once LocalStack runs

    account = _code_account()
    return dict(dict.__getitem__(s3_stores, account)) if account in s3_stores else {}


def _stores(bundle: Any, account: str) -> list[Any]:  # noqa: ANN401 - LocalStack's
    return list(dict.__getitem__(bundle, account).values()) if account in bundle else []


def _nothing(_provider: object, _accounts: frozenset[str]) -> None:
    pass


def _halt_functions(provider: Any, accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    from localstack.services.lambda_.invocation.models import lambda_stores  # noqa: PLC0415

    for store in (store for account in accounts for store in _stores(lambda_stores, account)):
        for uuid in store.event_source_mappings:
            if worker := provider.esm_workers.pop(uuid, None):
                worker.stop_for_shutdown()
        for function in store.functions.values():
            for version in function.versions.values():
                provider.lambda_service.stop_version(version.qualified_arn)


def _wake_functions(provider: Any, accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    from localstack.services.lambda_.event_source_mapping.esm_worker_factory import (  # noqa: PLC0415
        EsmWorkerFactory,
    )
    from localstack.services.lambda_.invocation.models import lambda_stores  # noqa: PLC0415
    from localstack.services.lambda_.provider_utils import get_function_version_from_arn  # noqa: PLC0415
    from localstack.utils.strings import short_uid  # noqa: PLC0415

    stores = [store for account in accounts for store in _stores(lambda_stores, account)]
    functions = [function for store in stores for function in store.functions.values()]
    for function in functions:
        function.instance_id = short_uid()
    started = [
        provider.lambda_service.create_function_version(version)
        for function in functions
        for version in function.versions.values()
    ]
    for each in started:
        each.result(timeout=_START_TIMEOUT)
    for mapping in (mapping for store in stores for mapping in store.event_source_mappings.values()):
        version = get_function_version_from_arn(mapping["FunctionArn"])
        is_on = mapping.get("State", "") not in {"Disabled", "Disabling"}
        worker = EsmWorkerFactory(mapping, version.config.role, is_on).get_esm_worker()
        worker.create()
        provider.esm_workers[worker.uuid] = worker


def _halt_rules(provider: Any, accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    from localstack.services.events.scheduler import JobScheduler  # noqa: PLC0415

    for rule in _rules(accounts):
        service = provider._rule_services_store.pop(rule.arn, None)  # noqa: SLF001
        if service and getattr(service, "job_id", None):
            JobScheduler.instance().cancel_job(service.job_id)


def _wake_rules(provider: Any, accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    from localstack.services.events.event_bus import EventBusService  # noqa: PLC0415
    from localstack.services.events.rule import RuleService  # noqa: PLC0415

    for bus in _buses(accounts):
        provider._event_bus_services_store[bus.arn] = EventBusService(bus)  # noqa: SLF001
    for rule in _rules(accounts):
        service = provider._rule_services_store[rule.arn] = RuleService(rule)  # noqa: SLF001
        for target in rule.targets.values():
            provider.create_target_sender(target, rule.arn, rule.name, rule.region, rule.account_id)
        if service.schedule_cron and rule.targets:
            ticked = provider._get_scheduled_rule_job_function(rule.account_id, rule.region, rule)  # noqa: SLF001
            service.create_schedule_job(ticked)


def _buses(accounts: frozenset[str]) -> list[Any]:
    from localstack.services.events.models import events_stores  # noqa: PLC0415

    stores = [store for account in accounts for store in _stores(events_stores, account)]
    return [bus for store in stores for bus in store.event_buses.values()]


def _rules(accounts: frozenset[str]) -> list[Any]:
    return [rule for bus in _buses(accounts) for rule in bus.rules.values()]


def _wake_alarms(provider: Any, accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    from localstack.services.cloudwatch.models import cloudwatch_stores  # noqa: PLC0415

    stores = [store for account in accounts for store in _stores(cloudwatch_stores, account)]
    for alarm in (alarm for store in stores for alarm in store.alarms.values()):
        if "MetricName" in alarm.alarm:
            provider.alarm_scheduler.schedule_metric_alarm(alarm.alarm["AlarmArn"])


def _wake_by_its_own_hook(provider: Any, _accounts: frozenset[str]) -> None:  # noqa: ANN401 - LocalStack's
    getattr(provider, "on_after_state_load", functools.partial(_nothing, provider, _accounts))()


_HALTED: dict[str, Callable[[Any, frozenset[str]], None]] = {"lambda": _halt_functions, "events": _halt_rules}
_WOKEN: dict[str, Callable[[Any, frozenset[str]], None]] = {
    "lambda": _wake_functions,
    "events": _wake_rules,
    "cloudwatch": _wake_alarms,
    # LocalEmu's carry out what LocalStack's only note.
    "scheduler": _wake_by_its_own_hook,
    "pipes": _wake_by_its_own_hook,
}
