"""SQS queues, SNS topics and Kinesis streams."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.aws import outbox
from harness.base.polling import eventually
from harness.errors import ExpectationError
from harness.stack.hops import queue
from harness.stack.resources.lookup import View
from harness.values import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.values import Acted

_CLOCKS_DIFFER = 0.5  # seconds, between this machine's clock and that of the stream
_BATCH = 10  # the most messages that SQS accepts in one call


class Queue(View):
    """A queue: send messages, look at those that wait, or wait until it is empty."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """The queue's URL."""
        return str(self.resource.values["url"])

    def send(self, *messages: object, group: str = "harness") -> list[Sent]:
        """Send messages, and return each for `Deployment.trace`, in the same order.

        Args:
            messages: Texts are sent unchanged, and other values as JSON.
            group: The message group, if the queue is a FIFO queue.

        Raises:
            ExpectationError: SQS refused one of them.
        """
        bodies = [_text(message) for message in messages]
        chunks = [bodies[start : start + _BATCH] for start in range(0, len(bodies), _BATCH)]
        return [message for chunk in chunks for message in self._send(chunk, group)]

    def _send(self, bodies: list[str], group: str) -> list[Sent]:
        fifo = self.resource.values.get("fifo_queue")
        entries = [
            {"Id": str(number), "MessageBody": body}
            | ({"MessageGroupId": group, "MessageDeduplicationId": uuid4().hex} if fifo else {})
            for number, body in enumerate(bodies)
        ]
        at = time.time()
        answer = self.client("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)
        if refused := answer.get("Failed"):
            raise ExpectationError(f"messages sent to {self.url}", expected="all accepted", got=refused)
        ids = {int(entry["Id"]): str(entry["MessageId"]) for entry in answer["Successful"]}
        sent = [Sent(arn=self.arn, id=ids[number], payload=body, at=at) for number, body in enumerate(bodies)]
        return [self._remember(message, at) for message in sent]

    def messages(self) -> list[dict[str, Any]]:
        """Return the visible messages in SQS's form, and leave them visible.

        SQS counts this as a receive. On a queue with a redrive policy, a few calls move a message to the
        dead-letter queue.
        """
        return queue.visible(self.client("sqs"), self.url)

    def peek(self) -> list[str]:
        """Return the bodies of the visible messages, and leave the messages visible. See `messages`."""
        return [message["Body"] for message in self.messages()]

    def wait_for(self, text: str = "", *, timeout: float = 30.0, of: Acted | None = None) -> str:
        """Wait for a message whose body has `text` in it, and return the body.

        Args:
            text: The text to look for in the body.
            timeout: Seconds until giving up.
            of: The event or message that should cause it. By default, everything that the test has sent. The
                wait ends early once it is lost.

        Raises:
            NotReachedError: No such message came in time. `last` has the bodies of those that did.
        """
        what = f"a message{f' with {text!r}' if text else ''} in the queue {self.url}"
        bodies = self._wait(
            self.peek,
            until=lambda bodies: any(text in body for body in bodies),
            what=what,
            timeout=timeout,
            of=of,
        )
        return next(body for body in bodies if text in body)

    def wait_until_empty(self, *, timeout: float = 30.0) -> None:
        """Wait until the queue is empty, including delayed messages and those in flight.

        Raises:
            NotReachedError: Some were left after `timeout` seconds. `last` has the counts.
        """
        eventually(
            self._counts,
            until=lambda counts: set(counts.values()) == {"0"},
            what=f"an empty queue {self.url}",
            timeout=timeout,
        )

    def _counts(self) -> dict[str, str]:
        answer = self.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=list(queue.COUNTS))
        return dict(answer["Attributes"])


class Topic(View):
    """A topic: publish to it, or look at the messages that others publish."""

    __slots__ = ()

    def publish(
        self,
        message: object,
        *,
        attributes: Mapping[str, object] | None = None,
        **arguments: Any,  # noqa: ANN401 - as boto3 takes them
    ) -> Sent:
        """Publish a text, or a value as JSON, and return the message for `Deployment.trace`.

        Args:
            message: The message.
            attributes: The message's attributes, for filter policies. A number is a `Number`, a list a
                `String.Array`, bytes are `Binary`, and any other value is a `String`.
            arguments: Further arguments of boto3's `publish`, such as `Subject` or `MessageAttributes`.
        """
        text, at = _text(message), time.time()
        if attributes:
            arguments["MessageAttributes"] = {name: _attribute(value) for name, value in attributes.items()}
        answer = self.client("sns").publish(TopicArn=self.arn, Message=text, **arguments)
        sent = Sent(
            arn=self.arn,
            id=str(answer["MessageId"]),
            payload=text,
            at=at,
            attributes=arguments.get("MessageAttributes", {}),
        )
        return self._remember(sent, at)

    @contextmanager
    def subscribed(self) -> Iterator[Queue]:
        """Subscribe a queue of the test's own to the topic while the context is open, and yield the queue.

        The queue gets each message as it was published. Use it for a topic whose messages go where a test
        can't look, such as an e-mail address.
        """
        sqs, sns = self.client("sqs"), self.client("sns")
        fifo = bool(self.resource.values.get("fifo_topic"))
        name = f"harness-{uuid4().hex}{'.fifo' if fifo else ''}"
        url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
        with ExitStack() as afterwards:
            afterwards.callback(sqs.delete_queue, QueueUrl=url)
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            arn = answer["Attributes"]["QueueArn"]
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy_for(self.arn, arn)})
            subscription = sns.subscribe(
                TopicArn=self.arn,
                Protocol="sqs",
                Endpoint=arn,
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )["SubscriptionArn"]
            afterwards.callback(sns.unsubscribe, SubscriptionArn=subscription)
            values = {"name": name, "url": url, "arn": arn, "fifo_queue": fifo}
            yield Queue(self.stack, replace(self.resource, values=values))


class Stream(View):
    """A stream: put records into it, and read those that functions have put."""

    __slots__ = ()

    def put(self, record: object, *, key: str = "harness") -> Sent:
        """Put a record, and return it for `Deployment.trace`.

        Args:
            record: A text is put unchanged, any other value as JSON.
            key: The partition key. Records with the same key stay in the order in which you put them.
        """
        text, at = _text(record), time.time()
        answer = self.client("kinesis").put_record(StreamName=self.name, Data=text.encode(), PartitionKey=key)
        sent = Sent(arn=self.arn, id=str(answer["SequenceNumber"]), payload=text, at=at)
        return self._remember(sent, at)

    def records(self) -> list[str]:
        """Return the records since the test began, as text, shard by shard.

        Outside pytest it returns all records.
        """
        client, begun = self.client("kinesis"), outbox.test_begun()
        shards = client.list_shards(StreamName=self.name)["Shards"]
        found = [record for shard in shards for record in self._of_shard(client, shard["ShardId"])]
        return [
            record["Data"].decode("utf-8", "replace")
            for record in found
            if record["ApproximateArrivalTimestamp"].timestamp() >= begun - _CLOCKS_DIFFER
        ]

    def _of_shard(self, client: Any, shard: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a boto3 client
        since = {"StreamName": self.name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        place = client.get_shard_iterator(**since)["ShardIterator"]
        while place:
            page = client.get_records(ShardIterator=place)
            yield from page["Records"]
            place = page.get("NextShardIterator") if page.get("MillisBehindLatest") else None

    def wait_for(self, text: str = "", *, timeout: float = 30.0, of: Acted | None = None) -> str:
        """Wait for a record with `text` in it, and return the record.

        Args:
            text: The text to look for in the record.
            timeout: Seconds until giving up.
            of: The event or message that should cause it. By default, everything that the test has sent. The
                wait ends early once it is lost.

        Raises:
            NotReachedError: No such record came in time. `last` has the records that did.
        """
        records = self._wait(
            self.records,
            until=lambda records: any(text in record for record in records),
            what=f"a record with {text!r} in the stream {self.name}",
            timeout=timeout,
            of=of,
        )
        return next(record for record in records if text in record)


def _policy_for(topic: str, inbox: str) -> str:
    """Return the policy of a queue that lets a topic deliver to it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": inbox,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _attribute(value: object) -> dict[str, object]:
    """Return a message attribute in boto3's form."""
    match value:
        case bytes():
            return {"DataType": "Binary", "BinaryValue": value}
        case list() | tuple():
            return {"DataType": "String.Array", "StringValue": json.dumps(value)}
        case int() | float() | Decimal() if not isinstance(value, bool):
            return {"DataType": "Number", "StringValue": str(value)}
    return {"DataType": "String", "StringValue": _text(value)}


def _text(message: object) -> str:
    return message if isinstance(message, str) else json.dumps(message)
