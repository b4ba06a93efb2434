"""The errors of the functions. Each carries its data as attributes."""

__all__ = [
    "BusyError",
    "ConfigError",
    "ConflictError",
    "ContendedError",
    "FunctionError",
    "InvalidEventError",
]


class FunctionError(Exception):
    """Any failure that this package names itself."""


class ConfigError(FunctionError):
    """An environment variable is missing or malformed.

    Attributes:
        variable: The variable's name.
    """

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"environment variable {variable} {problem}")
        self.variable = variable


class InvalidEventError(FunctionError):
    """An event that must not become an object: not a mapping, no readable time, or from the future.

    Attributes:
        problem: The problem, in words.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"event rejected: {problem}")
        self.problem = problem


class BusyError(FunctionError):
    """S3 (or KMS behind it) throttles, fails on its own side, or cannot be reached just now.

    Attributes:
        code: S3's error code, or the name of the transport error.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"S3 is busy: {code}")
        self.code = code


class ConflictError(FunctionError):
    """Another request for the same key was under way: S3 asks to try again.

    Attributes:
        key: The key that both wanted.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"another request for {key} was under way")
        self.key = key


class ContendedError(FunctionError):
    """Other writers were always faster. If the same event is delivered again, it continues.

    Attributes:
        attempts: How many times the step was tried.
    """

    def __init__(self, attempts: int) -> None:
        super().__init__(f"other writers were first in each of {attempts} attempts")
        self.attempts = attempts
