"""The main job: an event makes an encrypted object, and the API returns the latest one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from harness import NotReachedError, assert_encrypted, assert_no_drift, eventually
from harness.aws.rest import ApiClient
from tests.system import Scenario, assert_latest

PAGE_OF_LIST_OBJECTS = 1000


def test_an_event_writes_an_object_encrypted_under_the_stacks_own_key(scenario: Scenario) -> None:
    event = scenario.fire()

    stored = scenario.object_of(event)

    assert_encrypted(stored, key_arn=scenario.system.kms_key_arn)
    stamp = event.timestamp.strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    assert stored.key == f"{scenario.system.object_prefix}{stamp}_{event.id[:8]}.txt"
    assert stored.body.decode().startswith("Hello World. The current timestamp is ")


def test_the_api_returns_exactly_the_objects_body(scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    response = scenario.latest()

    assert_latest(response, stored)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_head_answers_as_get_does_but_without_the_body(scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    got, asked = scenario.latest(), scenario.latest_api.request("HEAD")

    assert (asked.status, asked.body) == (200, b"")
    for name in ("etag", "last-modified", "content-type", "x-object-key"):
        assert asked.headers[name] == got.headers[name]
    assert asked.headers["x-object-key"] == stored.key


def test_a_client_that_has_the_newest_is_told_so_without_the_body(scenario: Scenario) -> None:
    scenario.fire_and_wait()
    etag = scenario.latest().headers["etag"]

    again = scenario.latest(headers={"If-None-Match": etag})
    newest = scenario.fire_and_wait()

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert_latest(scenario.latest(headers={"If-None-Match": etag}), newest)


def test_who_wants_json_gets_it(scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    response = scenario.latest(headers={"Accept": "application/json"})

    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    answer = json.loads(response.body)
    assert (answer["key"], answer["body"]) == (stored.key, stored.body.decode())
    assert answer["timestamp"] in answer["body"]


def test_the_newest_of_several_wins_whatever_order_they_arrive_in(scenario: Scenario) -> None:
    now = datetime.now(UTC)
    newest = scenario.fire_and_wait(timestamp=now)
    for age in (3, 1, 2):
        scenario.fire_and_wait(timestamp=now - timedelta(minutes=age))

    assert_latest(scenario.latest(), newest)


def test_events_fired_at_once_all_become_objects(scenario: Scenario) -> None:
    with ThreadPoolExecutor(5) as pool:
        fired = list(pool.map(lambda _: scenario.fire(), range(5)))

    stored = {scenario.object_of(event).key: event for event in fired}

    assert scenario.keys() == sorted(stored)
    newest = max(stored)
    assert_latest(scenario.latest(), scenario.stored(newest))


def test_an_empty_bucket_is_a_clear_404(scenario: Scenario) -> None:
    response = scenario.latest()

    assert response.status == 404
    assert "no object" in response.text.lower()


def test_more_older_objects_than_a_list_page_holds_do_not_hide_the_newest(scenario: Scenario) -> None:
    prefix = scenario.system.object_prefix
    scenario.put(
        f"{prefix}2020-01-01T00-00-00.{number:06}Z_{number:08x}.txt"
        for number in range(PAGE_OF_LIST_OBJECTS + 1)
    )

    newest = scenario.fire_and_wait()

    assert len(scenario.keys()) == PAGE_OF_LIST_OBJECTS + 2
    assert_latest(scenario.latest(), newest)


def test_a_second_plan_shows_no_change(scenario: Scenario) -> None:
    assert_no_drift(scenario.plan())


def test_aws_would_refuse_nothing_of_it(scenario: Scenario) -> None:
    assert scenario.refusals() == []


def test_the_output_url_has_the_shape_that_aws_serves(scenario: Scenario) -> None:
    system = scenario.system

    url = urlsplit(system.api_url)

    assert url.scheme == "https"
    assert url.netloc == f"{system.api_id}.execute-api.{system.region}.amazonaws.com"
    assert url.path == f"/{system.environment}/retrieve_most_recent_object_{system.environment}"
    assert not url.query


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_refused(scenario: Scenario, method: str) -> None:
    response = scenario.latest_api.request(method)

    assert response.status in {403, 404, 405}


@pytest.mark.parametrize("path", ["", "/nowhere", "/retrieve_most_recent_object_staging"])
def test_an_unknown_path_is_refused(scenario: Scenario, path: str) -> None:
    base = scenario.latest_api.base.rpartition("/")[0]

    response = ApiClient(base=base).get(path)

    assert response.status in {403, 404}


def test_the_functions_log_json_that_the_logs_api_returns(scenario: Scenario) -> None:
    stored = scenario.fire_and_wait()

    eventually(
        lambda: scenario.logs(scenario.system.create_function_name),
        until=lambda seen: any(line.startswith("{") and stored.key in line for line in seen),
        what=f"a line of JSON that names {stored.key}",
    )


def test_an_event_that_the_writer_refuses_fails_with_the_writers_log(scenario: Scenario) -> None:
    tomorrow = scenario.fire(timestamp=datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(NotReachedError, match=f"the object of event {tomorrow.id}") as failure:
        scenario.object_of(tomorrow, timeout=5)

    assert "event rejected" in "\n".join(failure.value.__notes__)
    assert scenario.keys() == []
