"""The needs of a Terraform root, read from its files before anything starts."""

from harness.terraform.needs.features import (
    AUTHORIZERS,
    DOCUMENTS,
    FILE_SYSTEMS,
    HTTP_AUTHORIZERS,
    HTTP_INTEGRATIONS,
    IMAGES,
    JSONATA,
    PIPES,
    RUNTIME,
    STREAMS,
    WEBSOCKETS,
    Need,
    needs_of,
    title_of,
)

__all__ = [
    "AUTHORIZERS",
    "DOCUMENTS",
    "FILE_SYSTEMS",
    "HTTP_AUTHORIZERS",
    "HTTP_INTEGRATIONS",
    "IMAGES",
    "JSONATA",
    "PIPES",
    "RUNTIME",
    "STREAMS",
    "WEBSOCKETS",
    "Need",
    "needs_of",
    "title_of",
]
