from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import pytest

from harness import Endpoint, ExpectationError, NotReachedError
from harness.aws import outbox
from harness.aws.outbox import Answered
from harness.errors import PatternError, ResourceError, ScheduleError, TargetError
from harness.stack.resources import (
    Bucket,
    Function,
    Queue,
    Rule,
    Schedule,
    Secret,
    StateMachine,
    Stream,
    Table,
    Topic,
)
from harness.stack.resources.api import published_url
from harness.stack.resources.lookup import choose, find
from harness.values import Outputs, Resource

SOON = 0.05  # seconds
ARN = "arn:aws:x:eu-west-1:111122223333:thing"


def resource(address: str, **values: Any) -> Resource:  # noqa: ANN401 - as Terraform's state has them
    return Resource(address=address, type=address.rsplit(".", 2)[-2], values=values)


class Fake:
    """An applied stack with these resources. `aws` serves as every client, and `asked` lists the services."""

    def __init__(self, *resources: Resource, **outputs: object) -> None:
        self.all, self.outputs = resources, Outputs(outputs)
        self.endpoint = Endpoint(backend="fake", url="http://127.0.0.1:1", region="eu-west-1")
        self.aws, self.asked = MagicMock(), list[tuple[str, str]]()

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        self.asked.append((service, region))
        return self.aws

    def resources(self, kind: str = "") -> list[Resource]:
        return [one for one in self.all if kind in {"", one.type}]


OBJECTS = resource("module.s3.aws_s3_bucket.objects", bucket="b-1", id="b-1", arn="arn:aws:s3:::b-1")
LOGS = resource("aws_s3_bucket.logs", bucket="b-2", id="b-2")
OLD_LOGS = resource("aws_s3_bucket.logs_old", bucket="b-3", id="b-3")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("store", OBJECTS),
        ("module.s3.aws_s3_bucket.objects", OBJECTS),
        ("aws_s3_bucket.logs", LOGS),
        ("logs", LOGS),
        ("old", OLD_LOGS),
        ("s3.aws", OBJECTS),
        ("b-2", LOGS),
        ("arn:aws:s3:::b-1", OBJECTS),
    ],
)
def test_an_output_a_name_an_address_or_a_unique_part_names_a_resource(
    which: str, expected: Resource
) -> None:
    assert choose("bucket", which, [OBJECTS, LOGS, OLD_LOGS], {"store": "b-1"}) is expected


@pytest.mark.parametrize(
    ("which", "told", "fitting"),
    [(None, "one bucket, and 2 fit", 2), ("moon", "'moon' names, and none fits", 0), ("aws", "2 fit", 2)],
)
def test_what_is_ambiguous_or_unknown_lists_what_there_is(which: str | None, told: str, fitting: int) -> None:
    with pytest.raises(ResourceError, match=told) as failure:
        find(Fake(OBJECTS, LOGS), "bucket", which)

    assert len(failure.value.fitting) == fitting
    assert OBJECTS.address in str(failure.value)
    assert LOGS.address in str(failure.value)


def test_an_output_is_no_part_of_an_address() -> None:
    url = resource("aws_lambda_function_url.f", function_url="https://f.lambda-url.eu-west-1.on.aws/")
    api = resource("aws_apigatewayv2_api.a", id="a1", api_endpoint="https://a1.execute-api.eu-west-1.x")
    stage = resource(
        "aws_apigatewayv2_stage.d", api_id="a1", name="$default", invoke_url="https://a1.execute-api.x/"
    )

    assert (
        published_url(Fake(url, api, stage, url=api.values["api_endpoint"]), "url")
        == stage.values["invoke_url"]
    )
    assert published_url(Fake(url, api, stage), "url") == url.values["function_url"]


def test_a_stack_without_the_kind_says_so() -> None:
    with pytest.raises(ResourceError, match=r"one queue, and none fits.*\n  none"):
        find(Fake(OBJECTS), "queue", None)


def test_a_name_of_another_kind_tells_how_that_is_found() -> None:
    nightly = resource("aws_cloudwatch_event_rule.nightly", schedule_expression="rate(1 day)")

    with pytest.raises(ResourceError) as failure:
        find(Fake(nightly), "rule", "nightly")

    assert failure.value.__notes__ == [
        "aws_cloudwatch_event_rule.nightly is a schedule: stack.schedule('nightly')"
    ]


def test_a_wait_for_an_object_shows_the_keys_that_are_there() -> None:
    stack = Fake()
    stack.aws.get_paginator.return_value.paginate.return_value = [{"Contents": [{"Key": "a"}]}]

    with pytest.raises(NotReachedError, match=r"object 'b' in the bucket b-1; last seen: \['a'\]"):
        Bucket(stack, OBJECTS).wait_for("b", timeout=SOON)


def test_more_messages_than_sqs_takes_at_once_are_sent_in_order() -> None:
    stack = Fake()
    stack.aws.send_message_batch.side_effect = lambda **sent: {
        "Successful": [{"Id": e["Id"], "MessageId": e["MessageBody"]} for e in sent["Entries"]][::-1]
    }

    sent = Queue(stack, resource("aws_sqs_queue.q", url="http://q", arn=ARN)).send(*range(11), "text")

    assert [message.id for message in sent] == [*map(str, range(11)), "text"]
    assert [message.payload for message in sent] == [*map(str, range(11)), "text"]
    assert {message.arn for message in sent} == {ARN}


def test_a_refused_message_is_an_error() -> None:
    stack = Fake()
    stack.aws.send_message_batch.return_value = {"Failed": [{"Id": "0"}], "Successful": []}

    with pytest.raises(ExpectationError, match="all accepted"):
        Queue(stack, resource("aws_sqs_queue.q", url="http://q")).send("x")


def test_an_item_is_found_by_some_of_its_attributes_and_in_its_region() -> None:
    stack = Fake()
    items = [{"id": {"S": "a"}}, {"id": {"S": "b"}, "n": {"N": "3"}}]
    stack.aws.get_paginator.return_value.paginate.return_value = [{"Items": items}]
    table = Table(stack, resource("aws_dynamodb_table.t", name="t", arn=ARN))

    assert table.wait_for({"id": "b"}) == {"id": "b", "n": 3}
    assert stack.asked[-1] == ("dynamodb", "eu-west-1")
    with pytest.raises(NotReachedError, match="an item like"):
        table.wait_for({"id": "b", "n": 4}, timeout=SOON)


def test_a_function_that_fails_is_an_answer() -> None:
    stack = Fake()
    error = {"errorType": "KeyError", "errorMessage": "'name'"}
    stack.aws.invoke.return_value = {
        "Payload": io.BytesIO(json.dumps(error).encode()),
        "FunctionError": "Unhandled",
        "ResponseMetadata": {"RequestId": "r"},
    }

    answer = Function(stack, resource("aws_lambda_function.f", function_name="f", arn=ARN)).invoke()

    assert (answer.error_type, answer.error_message, answer.request_id) == ("KeyError", "'name'", "r")
    assert outbox.last_answer() == Answered(function="f", request_id="r", error="KeyError: 'name'")
    outbox.begin_test()
    assert outbox.last_answer() is None


def test_attributes_of_a_message_are_written_as_sns_has_them() -> None:
    stack = Fake()
    topic = Topic(stack, resource("aws_sns_topic.t", arn=ARN))
    stack.aws.publish.return_value = {"MessageId": "m"}

    topic.publish("x", attributes={"kind": "order", "total": 1.5, "tags": ["a"], "raw": b"b", "paid": True})

    assert stack.aws.publish.call_args.kwargs["MessageAttributes"] == {
        "kind": {"DataType": "String", "StringValue": "order"},
        "total": {"DataType": "Number", "StringValue": "1.5"},
        "tags": {"DataType": "String.Array", "StringValue": '["a"]'},
        "raw": {"DataType": "Binary", "BinaryValue": b"b"},
        "paid": {"DataType": "String", "StringValue": "true"},
    }


def test_a_rotation_is_over_when_the_new_version_is_current() -> None:
    stack = Fake()
    secret = Secret(stack, resource("aws_secretsmanager_secret.s", name="s", arn=ARN))
    stack.aws.rotate_secret.return_value = {"VersionId": "new"}
    stages = [{"new": ["AWSPENDING"], "old": ["AWSCURRENT"]}, {"new": ["AWSCURRENT"]}]
    stack.aws.describe_secret.side_effect = [{"VersionIdsToStages": each} for each in stages]

    secret.rotate()

    assert stack.aws.describe_secret.call_count == len(stages)


def test_a_rotation_that_does_not_end_is_told() -> None:
    stack = Fake()
    secret = Secret(stack, resource("aws_secretsmanager_secret.s", name="s", arn=ARN))
    stack.aws.rotate_secret.return_value = {"VersionId": "new"}
    stack.aws.describe_secret.return_value = {"VersionIdsToStages": {"new": ["AWSPENDING"]}}

    with pytest.raises(NotReachedError, match="the rotation of the secret s"):
        secret.rotate(timeout=SOON)


def test_an_answer_that_is_no_json_is_a_text() -> None:
    stack = Fake()
    stack.aws.invoke.return_value = {"Payload": io.BytesIO(b"Hello"), "ResponseMetadata": {"RequestId": "r"}}

    answer = Function(stack, resource("aws_lambda_function.f", function_name="f", arn=ARN)).invoke()

    assert (answer.payload, answer.error_type) == ("Hello", "")


def test_what_is_sent_tells_where_it_went_and_with_what() -> None:
    stack = Fake()
    stack.aws.publish.return_value = {"MessageId": "m"}
    stack.aws.invoke.return_value = {"Payload": io.BytesIO(), "ResponseMetadata": {"RequestId": "r"}}
    attributes = {"kind": {"DataType": "String", "StringValue": "order"}}
    stack.aws.put_item.return_value = {}
    stack.aws.put_record.return_value = {"SequenceNumber": "49"}
    table = resource("aws_dynamodb_table.t", name="t", arn=ARN, hash_key="id")

    put = Bucket(stack, OBJECTS).put("k", b"body")
    published = Topic(stack, resource("aws_sns_topic.t", arn=ARN)).publish(
        {"a": 1}, MessageAttributes=attributes
    )
    function = Function(stack, resource("aws_lambda_function.f", function_name="f", arn=ARN))
    invoked = function.invoke_later({"a": 1}, qualifier="live")
    item = Table(stack, table).put({"id": "a", "n": 3})
    record = Stream(stack, resource("aws_kinesis_stream.s", name="s", arn=ARN)).put({"a": 1}, key="k")

    assert (put.arn, put.id, put.payload) == ("arn:aws:s3:::b-1", "k", "body")
    assert (published.arn, published.id, published.payload) == (ARN, "m", '{"a": 1}')
    assert published.attributes == attributes
    assert (invoked.arn, invoked.id, invoked.payload) == (f"{ARN}:live", "r", '{"a": 1}')
    assert stack.aws.invoke.call_args.kwargs["InvocationType"] == "Event"
    assert (item.arn, item.id, item.payload) == (ARN, "a", '{"id": {"S": "a"}, "n": {"N": "3"}}')
    assert (record.arn, record.id, record.payload) == (ARN, "49", '{"a": 1}')
    assert outbox.sent_since(put.at or 0)[-5:] == [put, published, invoked, item, record]


def test_an_item_that_is_written_over_is_told() -> None:
    stack, table = Fake(), resource("aws_dynamodb_table.t", name="t", arn=ARN, hash_key="id")
    stack.aws.put_item.return_value = {"Attributes": {"id": {"S": "a"}}}

    assert Table(stack, table).put({"id": "a"}).attributes == {"OldImage": {"id": {"S": "a"}}}


def test_the_records_of_a_stream_are_those_of_all_shards_since_the_test_began() -> None:
    def record(data: bytes, at: float) -> dict[str, Any]:
        return {"Data": data, "ApproximateArrivalTimestamp": datetime.fromtimestamp(at, UTC)}

    begun, stack = outbox.test_begun(), Fake()
    stack.aws.list_shards.return_value = {"Shards": [{"ShardId": "0"}, {"ShardId": "1"}]}
    stack.aws.get_shard_iterator.side_effect = [{"ShardIterator": "a"}, {"ShardIterator": "c"}]
    pages = {
        "a": {"Records": [record(b"old", begun - 60)], "NextShardIterator": "b", "MillisBehindLatest": 9},
        "b": {
            "Records": [record(b'{"id": 1}', begun + 1)],
            "NextShardIterator": "z",
            "MillisBehindLatest": 0,
        },
        "c": {"Records": [record(b"two", begun + 2)], "NextShardIterator": "z", "MillisBehindLatest": 0},
    }
    stack.aws.get_records.side_effect = lambda ShardIterator: pages[ShardIterator]  # noqa: N803 - as boto3
    stream = Stream(stack, resource("aws_kinesis_stream.s", name="s", arn=ARN))

    assert stream.records() == ['{"id": 1}', "two"]


def test_a_function_logs_where_it_says() -> None:
    own = resource("aws_lambda_function.f", function_name="f", logging_config=[{"log_group": "/mine"}])

    assert Function(Fake(), own).log_group == "/mine"
    assert Function(Fake(), resource("aws_lambda_function.g", function_name="g")).log_group == "/aws/lambda/g"


def test_overrides_that_do_not_match_the_rule_are_refused_before_anything_is_sent() -> None:
    stack = Fake()
    rule = Rule(stack, resource("aws_cloudwatch_event_rule.r", event_pattern='{"source": ["shop"]}'))

    with pytest.raises(PatternError, match="overrides that match"):
        rule.fire(source="other")

    stack.aws.put_events.assert_not_called()
    assert [miss.path for miss in rule.near_misses()] == ["source"]


def scheduled(arn: str, **target: object) -> Resource:
    return resource(
        "aws_scheduler_schedule.s",
        arn=ARN,
        schedule_expression="rate(1 day)",
        target=[{"arn": arn, **target}],
    )


def test_a_schedule_sends_its_input_with_the_context_filled_in() -> None:
    stack, function = Fake(), "arn:aws:lambda:eu-west-1:111122223333:function:f"

    Schedule(stack, scheduled(function, input='{"of": "<aws.scheduler.schedule-arn>"}')).run()

    sent = stack.aws.invoke.call_args.kwargs
    assert (sent["FunctionName"], json.loads(sent["Payload"])) == (function, {"of": ARN})


def test_a_schedule_is_run_as_at_a_given_time_which_has_a_zone() -> None:
    stack, topic = Fake(), "arn:aws:sns:eu-west-1:111122223333:t"
    schedule = Schedule(stack, scheduled(topic, input="<aws.scheduler.scheduled-time>"))

    schedule.run(at=datetime(2026, 1, 2, 3, tzinfo=UTC))

    assert stack.aws.publish.call_args.kwargs["Message"] == "2026-01-02T03:00:00Z"
    assert stack.asked == [("sns", "eu-west-1")]
    with pytest.raises(ScheduleError, match="a time with a time zone"):
        schedule.run(at=datetime(2026, 1, 2))  # noqa: DTZ001


def test_a_rules_own_targets_are_run_and_those_of_no_other_rule() -> None:
    topic = "arn:aws:sns:eu-west-1:111122223333:"
    rule = resource("aws_cloudwatch_event_rule.r", arn=ARN, name="r", schedule_expression="rate(1 day)")
    own, other, elsewhere = (
        resource("aws_cloudwatch_event_target.t", rule=name, arn=topic + bus, event_bus_name=bus, input="x")
        for name, bus in (("r", "default"), ("s", "default"), ("r", "mine"))
    )
    stack = Fake(rule, own, other, elsewhere)

    Schedule(stack, rule).run()

    assert [call.kwargs["TopicArn"] for call in stack.aws.publish.call_args_list] == [f"{topic}default"]


def test_a_schedule_with_a_target_that_the_harness_does_not_know_is_an_error() -> None:
    with pytest.raises(TargetError, match="got arn:aws:ecs"):
        Schedule(Fake(), scheduled("arn:aws:ecs:eu-west-1:111122223333:cluster/c")).run()


def test_a_schedule_says_when_it_is_due_next() -> None:
    daily = resource("aws_cloudwatch_event_rule.r", schedule_expression="cron(0 9 ? * 1 *)")
    after = datetime(2026, 1, 1, tzinfo=UTC)

    assert Schedule(Fake(), daily).next_runs(2, after=after) == [
        datetime(2026, 1, 4, 9, tzinfo=UTC),
        datetime(2026, 1, 11, 9, tzinfo=UTC),
    ]
    assert [run > datetime.now(UTC) for run in Schedule(Fake(), daily).next_runs()] == [True] * 5


def test_a_failed_execution_names_the_state_and_the_cause() -> None:
    stack = Fake()
    stack.aws.start_execution.return_value = {"executionArn": "e"}
    stack.aws.describe_execution.return_value = {"status": "FAILED"}
    stack.aws.get_paginator.return_value.paginate.return_value = [
        {
            "events": [
                {"type": "PassStateEntered", "stateEnteredEventDetails": {"name": "Pay"}},
                {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "E", "cause": "broke"}},
            ]
        }
    ]

    with pytest.raises(ExpectationError) as failure:
        StateMachine(stack, resource("aws_sfn_state_machine.m", arn=ARN)).run()

    assert failure.value.got == {"status": "FAILED", "state": "Pay", "error": "E", "cause": "broke"}


def test_an_api_is_found_by_its_output_its_stage_or_the_api_itself() -> None:
    url = "https://a1.execute-api.eu-west-1.amazonaws.com/dev"
    api = resource("aws_api_gateway_rest_api.shop", id="a1")
    stage = resource("aws_api_gateway_stage.dev", rest_api_id="a1", invoke_url=url)
    stack = Fake(api, stage, api_url=f"{url}/orders")

    assert published_url(stack, "api_url") == f"{url}/orders"
    assert published_url(stack, None) == published_url(stack, "shop") == published_url(stack, "dev") == url


def test_a_load_balancer_is_found_by_its_host_its_url_its_address_or_as_the_only_one() -> None:
    host = "lb-1.eu-west-1.elb.amazonaws.com"
    stack = Fake(resource("aws_lb.front", dns_name=host), host=host, page=f"http://{host}/page")

    found = {published_url(stack, which) for which in (None, "host", "front", f"http://{host}")}

    assert found == {f"http://{host}"}
    assert published_url(stack, "page") == f"http://{host}/page"


def test_a_graphql_api_is_found_by_its_output_or_its_address() -> None:
    url = "https://g.appsync-api.eu-west-1.amazonaws.com/graphql"
    api = resource("aws_appsync_graphql_api.g", uris={"GRAPHQL": url, "REALTIME": "wss://g.example"})

    assert published_url(Fake(api, graphql=url), "graphql") == published_url(Fake(api), "g") == url


def test_a_load_balancer_gives_way_to_an_api() -> None:
    stage = resource("aws_api_gateway_stage.dev", rest_api_id="a1", invoke_url="https://a1/dev")

    assert published_url(Fake(resource("aws_lb.front", dns_name="lb"), stage), None) == "https://a1/dev"


@pytest.mark.parametrize("endpoint", ["https://a1.execute-api.eu-west-1.amazonaws.com", "http://a1.api:4566"])
def test_the_endpoint_of_an_http_api_names_the_stage_that_its_path_begins_with(endpoint: str) -> None:
    url = "https://a1.execute-api.eu-west-1.amazonaws.com"
    api = resource("aws_apigatewayv2_api.shop", id="a1", api_endpoint=endpoint)
    default = resource("aws_apigatewayv2_stage.d", api_id="a1", name="$default", invoke_url=f"{url}/")
    dev = resource("aws_apigatewayv2_stage.dev", api_id="a1", name="dev", invoke_url=f"{url}/dev")
    outputs = {"all": endpoint, "orders": f"{endpoint}/orders", "of_dev": f"{endpoint}/dev/orders"}

    one = Fake(api, default, **outputs)
    two = Fake(api, default, dev, **outputs)

    assert published_url(one, "all").rstrip("/") == url
    assert published_url(one, "orders") == published_url(two, "orders") == f"{url}/orders"
    assert published_url(two, "of_dev") == f"{url}/dev/orders"


def test_a_stage_that_a_deployment_makes_is_an_api() -> None:
    url = "https://a1.execute-api.eu-west-1.amazonaws.com/dev"
    api = resource("aws_api_gateway_rest_api.shop", id="a1")
    made = resource("aws_api_gateway_deployment.d", rest_api_id="a1", invoke_url=url, stage_name="dev")
    bare = resource("aws_api_gateway_deployment.e", rest_api_id="a1", invoke_url=f"{url[:-3]}", stage_name="")
    stack = Fake(api, made, bare, api_url=url)

    assert (
        published_url(stack, "api_url") == published_url(stack, None) == published_url(stack, "shop") == url
    )
