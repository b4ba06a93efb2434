from __future__ import annotations

import pytest
from localemu_process_executor.stages import stage_and_path


@pytest.mark.parametrize(
    ("route", "found"),
    [
        ({"stage": None, "path": ""}, ("$default", "/")),
        ({"stage": "$default", "path": "orders/7"}, ("$default", "/orders/7")),
        ({"stage": "test", "path": "orders/7"}, ("test", "/orders/7")),
        ({"stage": "test", "path": ""}, ("test", "/")),
        ({"stage": "orders", "path": "7"}, ("$default", "/orders/7")),
        ({"stage": "a%20b", "path": "%C3%85sa"}, ("$default", "/a b/Åsa")),
        ({"stage": "test", "path": "%C3%85sa"}, ("test", "/Åsa")),
        ({"stage": "orders", "path": ""}, ("$default", "/orders")),
    ],
)
def test_the_default_stage_needs_no_name_in_a_url(
    route: dict[str, str | None], found: tuple[str, str]
) -> None:
    assert stage_and_path({"$default": 1, "test": 2}, route) == found
