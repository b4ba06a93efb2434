"""The executor `process` and the request log for LocalEmu, a fork of LocalStack: the same code.

LocalEmu has LocalStack's modules below `localemu` instead of `localstack`. This package registers them under
their old names, so that the plugin can use `lambda_process_executor`.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import override

_OLD, _NEW = "localstack", "localemu"


class ForkFinder(MetaPathFinder):
    """Finds each module of LocalStack as that of its fork."""

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, dot, rest = fullname.partition(".")
        return ModuleSpec(fullname, _Forked(f"{_NEW}{dot}{rest}")) if package == _OLD else None


class _Forked(Loader):
    """Loads a module of the fork once, unchanged."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spec: ModuleSpec | None = None

    @override
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    @override
    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # importlib has just put that of the old name there


sys.meta_path.insert(0, ForkFinder())  # else a submodule would be found in its package, and be another one
