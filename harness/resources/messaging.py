"""Queues of SQS and topics of SNS."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.base.polling import eventually
from harness.errors import ExpectationError
from harness.hops import queue
from harness.resources.lookup import View
from harness.values import Sent

if TYPE_CHECKING:
    from harness.values import FiredEvent

_BATCH = 10  # messages that SQS takes in one call


class Queue(View):
    """A queue: send messages, look at what waits, wait until it is empty."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """The queue's URL."""
        return str(self.resource.values["url"])

    def send(self, *messages: object, group: str = "harness") -> list[Sent]:
        """Send messages, and return each, in the same order, as `Deployment.trace` takes it.

        Args:
            messages: Texts are sent as they are, and all else as JSON.
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
        arn = str(self.resource.values["arn"])
        sent = [Sent(arn=arn, id=ids[number], payload=body, at=at) for number, body in enumerate(bodies)]
        return [self._remember(message, at) for message in sent]

    def messages(self) -> list[dict[str, Any]]:
        """Return the visible messages as SQS has them, and leave them visible.

        SQS counts a look as a receive: on a queue with a redrive policy, a few looks move a message.
        """
        return queue.visible(self.client("sqs"), self.url)

    def peek(self) -> list[str]:
        """Return the bodies of the visible messages, and leave the messages visible: see `messages`."""
        return [message["Body"] for message in self.messages()]

    def wait_for(self, text: str = "", *, timeout: float = 30.0, of: FiredEvent | Sent | None = None) -> str:
        """Wait for a message whose body has `text` in it, and return the body.

        Args:
            text: What is to be in the body.
            timeout: Seconds until giving up.
            of: What is to bring it; by default all that the test has sent. The wait ends once that is lost.

        Raises:
            NotReachedError: None came; `last` has the bodies that were there.
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
        """Wait until no message is in the queue, on its way, or delayed.

        Raises:
            NotReachedError: Some were left after `timeout` seconds; `last` has the counts.
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
    """A topic: publish to it."""

    __slots__ = ()

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return str(self.resource.values["arn"])

    def publish(self, message: object, **arguments: Any) -> Sent:  # noqa: ANN401 - as boto3 takes them
        """Publish a text, or a value as JSON, and return the message as `Deployment.trace` takes it.

        Args:
            message: The message.
            arguments: Further arguments of boto3's `publish`, such as `Subject` or `MessageAttributes`.
        """
        text, at = _text(message), time.time()
        answer = self.client("sns").publish(TopicArn=self.arn, Message=text, **arguments)
        sent = Sent(
            arn=self.arn,
            id=str(answer["MessageId"]),
            payload=text,
            at=at,
            attributes=arguments.get("MessageAttributes", {}),
        )
        return self._remember(sent, at)


def _text(message: object) -> str:
    return message if isinstance(message, str) else json.dumps(message)
