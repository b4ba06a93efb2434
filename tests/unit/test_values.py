from __future__ import annotations

import pytest

from harness import OutputError, Outputs, System


def test_an_output_is_found_by_its_name() -> None:
    assert Outputs({"url": "https://x"})["url"] == "https://x"


def test_a_missing_output_is_named_with_those_that_are_there() -> None:
    with pytest.raises(OutputError, match="'ur': not declared; the root declares: id, url") as caught:
        Outputs({"url": "", "id": ""})["ur"]

    assert caught.value.name == "ur"


def test_a_root_without_this_projects_outputs_is_no_system() -> None:
    with pytest.raises(OutputError, match=r"'environment'.*declares: none"):
        System.of(Outputs({}))
