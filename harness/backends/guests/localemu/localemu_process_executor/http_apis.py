"""HTTP APIs where REST APIs are. LocalEmu 1.3.2 serves them below `/_aws/execute-api-v2/` alone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from localemu.runtime import hooks

from localemu_process_executor.stages import stage_and_path


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def serve_http_apis() -> None:
    """Let the host name and the path of an API lead to an HTTP API as well."""
    from localemu.services.apigateway.next_gen.execute_api.router import (  # noqa: PLC0415 # once LocalEmu starts
        ApiGatewayEndpoint,
    )

    ApiGatewayEndpoint.__call__ = also_http(ApiGatewayEndpoint.__call__)


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
