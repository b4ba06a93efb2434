"""The Lambda functions: ``writer.handler`` and ``reader.handler``."""

__all__: list[str] = []
