"""The workers on LocalStack 4.14's state: the environments of functions, and the timers of rules.

Workers are not saved. They are stopped before a state is replaced, and started for the new state.
"""

from collections.abc import Callable
from typing import Any

_START_TIMEOUT = 60.0  # seconds, for a version of a function
_OFF = frozenset({"Disabled", "Disabling"})

type Accounts = frozenset[str]
type Provider = Any  # LocalStack's


def stop(services: dict[str, Any], accounts: Accounts) -> None:
    """Stop the workers of some accounts. `services` are those in use, by name."""
    for name in _STOP.keys() & services.keys():
        _STOP[name](services[name]._provider, accounts)  # noqa: SLF001


def start(services: dict[str, Any], accounts: Accounts) -> None:
    """Start the workers of some accounts, with the arguments of `stop`."""
    for name in [name for name in _START if name in services]:
        _START[name](services[name]._provider, accounts)  # noqa: SLF001


def _stop_functions(provider: Provider, accounts: Accounts) -> None:
    for store in _function_stores(accounts):
        for uuid in store.event_source_mappings:
            if worker := provider.esm_workers.pop(uuid, None):
                worker.stop_for_shutdown()
        for function in store.functions.values():
            for version in function.versions.values():
                provider.lambda_service.stop_version(version.qualified_arn)


def _start_functions(provider: Provider, accounts: Accounts) -> None:
    from localstack.utils.strings import short_uid  # noqa: PLC0415 # only once LocalStack runs

    functions = [each for store in _function_stores(accounts) for each in store.functions.values()]
    for function in functions:
        function.instance_id = short_uid()  # each start of a function has its own
    create = provider.lambda_service.create_function_version
    started = [create(version) for function in functions for version in function.versions.values()]
    for each in started:
        each.result(timeout=_START_TIMEOUT)
    for store in _function_stores(accounts):
        for mapping in store.event_source_mappings.values():
            _start_mapping(provider, mapping)


def _start_mapping(provider: Provider, mapping: dict[str, Any]) -> None:
    from localstack.services.lambda_.event_source_mapping.esm_worker_factory import (  # noqa: PLC0415 # as above
        EsmWorkerFactory,
    )
    from localstack.services.lambda_.provider_utils import get_function_version_from_arn  # noqa: PLC0415

    role = get_function_version_from_arn(mapping["FunctionArn"]).config.role
    worker = EsmWorkerFactory(mapping, role, mapping.get("State") not in _OFF).get_esm_worker()
    worker.create()
    provider.esm_workers[worker.uuid] = worker


def _function_stores(accounts: Accounts) -> list[Any]:
    from localstack.services.lambda_.invocation.models import lambda_stores  # noqa: PLC0415 # as above

    return _stores(lambda_stores, accounts)


def _stop_rules(provider: Provider, accounts: Accounts) -> None:
    from localstack.services.events.scheduler import JobScheduler  # noqa: PLC0415 # only once LocalStack runs

    for rule in _rules(accounts):
        service = provider._rule_services_store.pop(rule.arn, None)  # noqa: SLF001
        if job := getattr(service, "job_id", None):
            JobScheduler.instance().cancel_job(job)


def _start_rules(provider: Provider, accounts: Accounts) -> None:
    from localstack.services.events.event_bus import EventBusService  # noqa: PLC0415 # as above
    from localstack.services.events.rule import RuleService  # noqa: PLC0415

    for bus in _buses(accounts):
        provider._event_bus_services_store[bus.arn] = EventBusService(bus)  # noqa: SLF001
    for rule in _rules(accounts):
        service = provider._rule_services_store[rule.arn] = RuleService(rule)  # noqa: SLF001
        for target in rule.targets.values():
            provider.create_target_sender(target, rule.arn, rule.name, rule.region, rule.account_id)
        if service.schedule_cron and rule.targets:
            job = provider._get_scheduled_rule_job_function(rule.account_id, rule.region, rule)  # noqa: SLF001
            service.create_schedule_job(job)


def _buses(accounts: Accounts) -> list[Any]:
    from localstack.services.events.models import events_stores  # noqa: PLC0415 # only once LocalStack runs

    return [bus for store in _stores(events_stores, accounts) for bus in store.event_buses.values()]


def _rules(accounts: Accounts) -> list[Any]:
    return [rule for bus in _buses(accounts) for rule in bus.rules.values()]


def _start_alarms(provider: Provider, accounts: Accounts) -> None:
    from localstack.services.cloudwatch.models import cloudwatch_stores  # noqa: PLC0415 # as above

    for store in _stores(cloudwatch_stores, accounts):
        for each in store.alarms.values():
            if "MetricName" in each.alarm:  # a composite alarm has no timer
                provider.alarm_scheduler.schedule_metric_alarm(each.alarm["AlarmArn"])


def _start_by_hook(provider: Provider, _accounts: Accounts) -> None:
    """Start the workers that the provider can start itself. LocalStack records only schedules and pipes."""
    if hook := getattr(provider, "on_after_state_load", None):
        hook()


def _stores(bundle: Any, accounts: Accounts) -> list[Any]:  # noqa: ANN401 - LocalStack's
    held = [dict.__getitem__(bundle, account) for account in accounts & bundle.keys()]
    return [store for regions in held for store in regions.values()]


_STOP: dict[str, Callable[[Provider, Accounts], None]] = {"events": _stop_rules, "lambda": _stop_functions}
# Functions come first, because other workers may invoke them.
_START: dict[str, Callable[[Provider, Accounts], None]] = {
    "lambda": _start_functions,
    "events": _start_rules,
    "cloudwatch": _start_alarms,
    "scheduler": _start_by_hook,
    "pipes": _start_by_hook,
}
