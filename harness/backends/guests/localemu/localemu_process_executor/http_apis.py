"""HTTP APIs where REST APIs are: LocalEmu 1.3.2 serves them below `/_aws/execute-api-v2/` alone.

Their events are completed, too.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from lambda_process_executor import http_events
from localemu.runtime import hooks

from localemu_process_executor.stages import stage_and_path


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def serve_http_apis() -> None:
    """Let the host name and the path of an API lead to an HTTP API as well."""
    from localemu.services.apigateway.next_gen.execute_api.router import (  # noqa: PLC0415 # once LocalEmu starts
        ApiGatewayEndpoint,
    )
    from localemu.services.apigatewayv2.handler import HttpApiHandler  # noqa: PLC0415 # as above

    ApiGatewayEndpoint.__call__ = also_http(ApiGatewayEndpoint.__call__)
    HttpApiHandler._build_v1_event = completed(HttpApiHandler._build_v1_event)  # noqa: SLF001 - pinned
    HttpApiHandler._build_v2_event = completed(HttpApiHandler._build_v2_event)  # noqa: SLF001


def also_http(rest: Callable[..., Any]) -> Callable[..., Any]:
    """Return LocalEmu's answer to a request to a REST API, preceded by a look for an HTTP API."""

    @wraps(rest)
    def answer(endpoint: object, request: object, **route: Any) -> Any:  # noqa: ANN401 - LocalEmu's
        from localemu.services.apigatewayv2.router import _http_handler  # noqa: PLC0415 # as above
        from moto.apigatewayv2.models import apigatewayv2_backends  # noqa: PLC0415 # as above

        api_id = route.get("api_id", "")
        for account, regions in list(apigatewayv2_backends.items()):
            for region, backend in list(regions.items()):
                if api := backend.apis.get(api_id):
                    stage, path = stage_and_path(api.stages, route)
                    return _http_handler.handle(request, api_id, stage, path, account, region)
        return rest(endpoint, request, **route)

    return answer


def completed(known: Callable[..., http_events.Event]) -> Callable[..., http_events.Event]:
    """Return the builder of an event, which adds the parts that LocalEmu leaves out."""

    @wraps(known)
    def build(
        handler: object,
        request: object,
        api_id: str,
        stage: str,
        path: str,
        route: object,
        account: str,
        region: str,
        **more: object,
    ) -> http_events.Event:
        from moto.apigatewayv2.models import apigatewayv2_backends  # noqa: PLC0415 # as above

        event = known(handler, request, api_id, stage, path, route, account, region, **more)
        described = apigatewayv2_backends[account][region].apis[api_id].stages.get(stage)
        return http_events.completed(event, getattr(described, "stage_variables", None) or {})

    return build
