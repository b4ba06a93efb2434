from __future__ import annotations

import pytest

from harness.errors import OutputError
from harness.values import Outputs


def test_an_output_is_found_by_its_name() -> None:
    assert Outputs({"url": "https://x"})["url"] == "https://x"


def test_a_missing_output_is_named_with_those_that_are_there() -> None:
    with pytest.raises(OutputError, match="'ur': not declared; the root declares: id, url") as caught:
        Outputs({"url": "", "id": ""})["ur"]

    assert caught.value.name == "ur"


def test_a_fixture_in_a_failure_shows_no_value_of_an_output() -> None:
    assert repr(Outputs({"url": "https://x", "key": "hunter22"})) == "Outputs(url, key)"
