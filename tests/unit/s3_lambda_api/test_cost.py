from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cost import AWS_2026_09, PROD, Inventory, Prices, Usage, cost, markdown, requests

DOCUMENT = Path(__file__).parents[3] / "docs" / "cost-model.md"
ONE_A_SECOND = Usage(reads_per_second=1)
NOTHING = Inventory(*(0 for _ in Inventory._fields))


def test_the_default_schedule_writes_six_times_an_hour() -> None:
    assert requests(Usage()).writes == pytest.approx(6 * 730)


def test_a_write_is_three_puts_two_tags_and_a_get() -> None:
    count = requests(Usage(), NOTHING)
    assert (count.s3_put / count.writes, count.s3_get / count.writes, count.reads) == (5, 1, 0)


def test_a_replica_is_written_as_often_as_the_object() -> None:
    assert requests(Usage()).s3_put == 2 * requests(Usage(), NOTHING).s3_put


def test_what_is_there_costs_without_any_request() -> None:
    idle = Usage(interval_seconds=float("inf"))
    assert cost(idle).total == cost(idle).fixed > 0
    for one in PROD._fields:
        more = PROD._replace(**{one: getattr(PROD, one) + 1})
        assert cost(Usage(), inventory=more).total > cost(Usage()).total


def test_traces_of_every_read_would_cost_more_than_its_functions() -> None:
    traced = cost(ONE_A_SECOND._replace(traced_share=1.0))
    assert traced.logs - cost(ONE_A_SECOND).logs > traced.functions


def test_a_read_is_two_gets_and_a_list_where_the_pointer_is_stale() -> None:
    count = requests(ONE_A_SECOND._replace(stale_share=0.5))
    assert count.s3_get - count.writes == pytest.approx(2 * count.reads)
    assert count.s3_list == count.reads / 2


def test_a_million_reads_cost_80_cents_of_s3() -> None:
    usage = ONE_A_SECOND._replace(interval_seconds=float("inf"))
    assert cost(usage).s3 / requests(usage).reads * 1_000_000 == pytest.approx(0.80)


def test_prices_are_inputs() -> None:
    twice = Prices(AWS_2026_09.date, *(2 * price for price in AWS_2026_09[1:]))
    assert cost(ONE_A_SECOND, twice).total == pytest.approx(2 * cost(ONE_A_SECOND).total)
    assert "2026-09" in AWS_2026_09.date


def test_ten_times_the_reads_cost_ten_times_as_much_on_top() -> None:
    nothing, one, ten = (cost(Usage(reads_per_second=rate)).total for rate in (0, 1, 10))
    assert ten - nothing == pytest.approx(10 * (one - nothing))


def test_the_documented_table_is_the_model_s() -> None:
    assert markdown() in DOCUMENT.read_text("utf-8")
