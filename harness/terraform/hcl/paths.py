"""The files and directories outside of a root that its modules, and the scripts that they run, name."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A string that is a path and leads upwards. `${path.module}` shows where it starts.
_WHOLE = re.compile(
    r'"(?:\$\{path\.(module|root|cwd)\}/)?((?:\./)?(?:[\w.-]+/)*?\.\.(?:/[^"$%\n]*)?)(?=["$%])'
)
# A path that leads upwards anywhere else: in a command, or behind an interpolation or `%s`. `..` alone is one
# only behind `/`, `cd` or `-C`, because sentences and ranges have dots too.
_PART = re.compile(
    r"(?<=[\s\"'/=:(}])(?:\.\./)+[\w@+.-][\w@+./-]*|(?:(?<=/)|(?<=\bcd )|(?<=-C ))\.\.(?:/\.\.)*/?(?![\w./])"
)
# Between two parts of a path in a list, as for `join("/", [path.module, "..", "src"])`.
_BETWEEN_PARTS = re.compile(r'"\s*,\s*"')
_SCRIPTS = ("*.sh", "*.bash", "Makefile", "makefile", "*.mk")


def above(modules: Sequence[Path], values: Iterable[str] = ()) -> list[Path]:
    """Return the files and directories outside of `modules` that a path in one of them, or a value, names.

    Terraform runs in the root, the first of them. A path without `path.module` starts there.

    Args:
        modules: The directories of the modules.
        values: The values of the root's variables.
    """
    root = modules[0]
    named = {place for module in modules for place in _named_in(module, root)}
    named |= {place for value in values for place in _named_by(f'"{value}"', root, root)}
    scripts = {script for place in (*modules, *named) for script in _scripts_in(place)}
    named |= {place for script in scripts for place in _named_by_script(script, root)}
    return sorted(place for place in named if not _is_inside(place, modules) and not _is_too_much(place))


def _is_inside(place: Path, modules: Sequence[Path]) -> bool:
    return any(place.is_relative_to(module) for module in modules)


def _is_too_much(place: Path) -> bool:
    """Return whether a directory has more than a project: somebody's home, or the copies themselves."""
    return any(other.resolve().is_relative_to(place) for other in (Path.home(), Path(tempfile.gettempdir())))


def _named_in(module: Path, root: Path) -> Iterator[Path]:
    for file in declarations.files(module):
        yield from _named_by(file.read_text("utf-8", "replace"), module, root)


def _named_by(text: str, module: Path, root: Path) -> Iterator[Path]:
    if ".." not in text:  # the patterns take a while
        return
    text = _BETWEEN_PARTS.sub("/", text)
    for base, path in _WHOLE.findall(text):
        yield from _there(module if base == "module" else root, path, root)
    for path in _PART.findall(text):
        yield from _there(module, path, root)
        yield from _there(root, path, root)


def _named_by_script(script: Path, root: Path) -> Iterator[Path]:
    for path in _PART.findall(script.read_text("utf-8", "replace")):
        yield from _there(script.parent, path, root)
        yield from _there(root, path, root)


def _scripts_in(place: Path) -> Iterator[Path]:
    """Return the scripts of a module's directory, or `place` if it is one."""
    if place.is_dir():
        yield from (file for pattern in _SCRIPTS for file in place.glob(pattern) if file.is_file())
    elif any(place.match(pattern) for pattern in _SCRIPTS):
        yield place


def _there(base: Path, path: str, root: Path) -> Iterator[Path]:
    """Yield the place that a path leads to, or its directory if only Terraform knows its whole name."""
    place = (base / path).resolve()
    if place.exists():
        yield place
    elif place.parent.is_dir() and not root.is_relative_to(place.parent):
        yield place.parent  # `../src/app-${var.version}.zip` is somewhere in `../src`
