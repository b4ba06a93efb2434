from __future__ import annotations

import pytest

from tests.cloudwatch import Alarm, filled

# AWS's published examples:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
# 0 is a point that does not breach, X one that does, - one that is missing. Then whether the alarm is on if
# missing points breach, and if they do not.
THREE_OF_THREE = [
    ("0 - X - X", False, False),
    ("0 - - - -", False, False),
    ("- - - - -", True, False),
    ("0 X X - X", True, True),
    ("- - - - X", True, False),
    ("X - - - -", True, False),
]
TWO_OF_THREE = [
    ("0 - X - X", True, True),
    ("0 0 X 0 X", True, True),
    ("0 - X - -", True, False),
    ("- - - - 0", True, False),
    ("- - - - X", True, False),
]
POINT = {"0": 0.0, "X": 1.0, "-": None}


@pytest.mark.parametrize(
    ("enough", "points", "breaching", "not_breaching"),
    [*((3, *row) for row in THREE_OF_THREE), *((2, *row) for row in TWO_OF_THREE)],
)
def test_the_model_gives_the_published_examples(
    enough: int,
    points: str,
    breaching: bool,  # noqa: FBT001
    not_breaching: bool,  # noqa: FBT001
) -> None:
    for missing, on in (("breaching", breaching), ("notBreaching", not_breaching)):
        alarm = Alarm(
            periods=3,
            breaching_periods=enough,
            operator="GreaterThanThreshold",
            threshold=0,
            missing=missing,
        )
        assert alarm.is_on([POINT[point] for point in points.split()]) == on, missing


def test_a_setting_that_the_model_does_not_know_is_an_error() -> None:
    alarm = Alarm(
        periods=1, breaching_periods=1, operator="GreaterThanThreshold", threshold=0, missing="ignore"
    )
    with pytest.raises(KeyError, match="ignore"):
        alarm.is_on([None])


def test_fill_makes_points_of_gaps_and_nothing_of_nothing() -> None:
    assert filled([1, None, 2, None], 0) == [1, 0, 2, 0]
    assert filled([None, None], 0) == [None, None]
