"""The queue that events come by. A message that is not deleted comes again, and in the end goes to the dead letters."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# As many as SQS hands out at once. It is asked again at once, so a short wait costs little and ends soon.
AT_ONCE = 10
WAIT_S = 5


@dataclass(frozen=True)
class Message:
    body: str
    receipt: str


class EventQueue(Protocol):
    def receive(self) -> list[Message]:
        """Up to `AT_ONCE`; waits up to `WAIT_S` for the first. Raises `Unavailable`."""

    def delete(self, message: Message) -> None:
        """Raises `Unavailable`; then the message comes again, which does no harm."""


class SqsQueue:
    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def receive(self) -> list[Message]:
        with _answering("ReceiveMessage"):
            reply = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=WAIT_S
            )
        return [Message(message["Body"], message["ReceiptHandle"]) for message in reply.get("Messages", [])]

    def delete(self, message: Message) -> None:
        with _answering("DeleteMessage"):
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)


def open_queue(url: str, *, region: str | None) -> SqsQueue:
    config = Config(connect_timeout=5, read_timeout=WAIT_S + 10, retries={"total_max_attempts": 3, "mode": "standard"})
    return SqsQueue(boto3.client("sqs", region_name=region, config=config), url)


@contextmanager
def _answering(call: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("events_unavailable", f"{call}: {error}") from error
