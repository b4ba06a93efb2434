"""The reader's view of an API Gateway request. Pure."""

from typing import NamedTuple

from s3_lambda_api.responses import MediaType, media_type

__all__ = ["Request"]


class Request(NamedTuple):
    """One request.

    Attributes:
        media: The media type to answer with.
        if_none_match: The ``If-None-Match`` header. Empty if there is none.
        head: Whether the body stays away.
    """

    media: MediaType
    if_none_match: str
    head: bool

    @classmethod
    def of(cls, event: object) -> "Request":
        """Parse a proxy event. Missing parts, as in a bare test invoke, mean a plain GET."""
        # Loading the data classes takes as long as a tenth of the whole cold start: not in the init phase.
        from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent  # noqa: PLC0415

        proxy = APIGatewayProxyEvent(event if isinstance(event, dict) else {})
        return cls(
            media=media_type(_header(proxy.resolved_headers_field, "Accept")),
            if_none_match=_header(proxy.resolved_headers_field, "If-None-Match"),
            head=proxy.get("httpMethod") == "HEAD",
        )


def _header(headers: dict[str, str | list[str] | None], name: str) -> str:
    """Return one header. Repeated ones are joined as RFC 9110 allows."""
    value = headers.get(name) or ""
    return value if isinstance(value, str) else ",".join(value)
