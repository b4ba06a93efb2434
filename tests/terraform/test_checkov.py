"""Every suppressed check of checkov stands beside its resource, with the reason."""

from __future__ import annotations

import re

import yaml  # type: ignore[import-untyped]

from tests.terraform.test_files import FILES, TERRAFORM

SKIP = re.compile(r"checkov:skip=(\w+):?(.*)")


def test_nothing_is_skipped_for_every_resource() -> None:
    settings = yaml.safe_load((TERRAFORM / ".checkov.yaml").read_text("utf-8"))

    assert settings["framework"] == ["terraform"]
    assert not [name for name in settings if "skip" in name and name != "skip-download"]


def test_every_exception_is_a_resources_own_and_has_a_reason() -> None:
    lines = [line for file in FILES for line in file.read_text("utf-8").splitlines()]
    exceptions = [line for line in lines if SKIP.search(line)]

    assert exceptions
    for line in exceptions:
        assert line.startswith("  # checkov:skip=CKV"), line
        assert len(SKIP.findall(line)[0][1].split()) > 3, line
