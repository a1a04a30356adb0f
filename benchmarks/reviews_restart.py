"""Reviews that are open while everything is stopped and started again, twice, in order.

    .venv/bin/python benchmarks/reviews_restart.py --reviews 10       a quick look, about 3 minutes
    .venv/bin/python benchmarks/reviews_restart.py                    the figures: 200 reviews

Documents that nobody can read anything in wait for a person. The local runtime is stopped and started, and
again; then each review is answered at the workbench's desk, every document with a value of its own. Counted:
answers taken, results with their own value, published events and history lines per document, OCR jobs per
document, and slots held while people were waited for.
"""

import argparse
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local_run import LocalRun, local_run
from PIL import Image
from recording import print_table, write_result

from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import ReviewRows, Table
from recto.messages import FINAL_STATUSES, Status
from recto.places import Location
from recto.ports import DocumentRow

FIELD = "Provider Name"
CALLER = "recto-benchmarks"
AT_ONCE = 4


def blank_page(number: int) -> bytes:
    """A page without a word, another one for each number."""
    page = Image.new("L", (425, 550), "white")
    page.putpixel((number % 425, number // 425), 254)
    buffer = io.BytesIO()
    page.save(buffer, "PDF", resolution=50)
    return buffer.getvalue()


class Reviews:
    """The documents of this run, and who hears of them."""

    def __init__(self, run: LocalRun, count: int) -> None:
        self.run, self.count = run, count
        table = Table(run.info.outputs["DocumentTableName"], CALLER)
        self.rows, self.slots = ReviewRows(table), SlotLeases(table)
        self.most_slots = 0
        self.queue = self._listen()
        self.documents: list[str] = []

    def client(self, service: str) -> Any:
        return self.run.runtime.client(self.run.info, service)

    def _listen(self) -> str:
        sqs, events = self.client("sqs"), self.client("events")
        queue = str(sqs.create_queue(QueueName="recto-benchmark-events")["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": [f"recto.{self.run.info.project}"]})
        events.put_rule(Name="recto-benchmark", EventPattern=pattern)
        events.put_targets(Rule="recto-benchmark", Targets=[{"Id": "queue", "Arn": arn}])
        return queue

    def heard(self) -> Counter[tuple[str, str]]:
        """Events by kind and document, as often as they came."""
        sqs, found = self.client("sqs"), Counter[tuple[str, str]]()
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                found[event["detail-type"], event["detail"].get("DocumentId", "")] += 1
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def open(self) -> None:
        places = [
            self.run.objects.write(place, blank_page(number)) or place
            for number in range(self.count)
            for place in [Location(bucket=self.run.inbox, key=f"reviews/{number:04d}.pdf")]
        ]
        rows = self.run.settled(places, 300 + 6 * self.count)
        self.documents = [row.document_id for row in rows]

    def found(self) -> list[DocumentRow]:
        rows = [self.run.documents.find(document) for document in self.documents]
        return [row for row in rows if row]

    def restart(self, seconds: float) -> float:
        """How long it took until all executions waited again."""
        before = {row.document_id: row.attempt for row in self.found()}
        began = time.monotonic()
        self.run.runtime.down()
        self.run.info = self.run.runtime.up()

        def all_wait() -> bool:
            rows = self.found()
            return all(
                row.attempt > before[row.document_id] and row.status is Status.IN_REVIEW for row in rows
            )

        self.until(all_wait, seconds, "waiting again")
        return time.monotonic() - began

    def until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            self.most_slots = max(self.most_slots, len(self.slots.owners()))
            if time.monotonic() > deadline:
                seen = Counter(f"{row.status} {row.error}" for row in self.found())
                raise TimeoutError(f"{what}: not within {seconds:.0f} s: {dict(seen)}")
            time.sleep(1)

    def answer_all(self) -> float:
        """How long it took from the first answer to the last published document."""
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._answer, range(self.count)))
        self.until(
            lambda: all(row.status in FINAL_STATUSES for row in self.found()), 300 + 6 * self.count, "ended"
        )
        return time.monotonic() - began

    def _answer(self, number: int) -> None:
        row = self.run.documents.find(self.documents[number])
        review = self.rows.find(row.review_id) if row else None
        if review is None:
            raise LookupError(f"document {self.documents[number]} has no review: {row}")
        content = {f"field-present-{FIELD}": True, f"field-value-{FIELD}": f"Bank {number}"}
        parameters = {"HumanLoopName": review.loop_name, "AnswerContent": content, "WorkerId": "benchmark"}
        function = self.run.info.outputs["ReviewControlFunctionName"]
        event = json.dumps({"Operation": "AnswerHumanLoop", "Parameters": parameters})
        answer = self.client("lambda").invoke(FunctionName=function, Payload=event)
        told = json.loads(answer["Payload"].read())
        if "Result" not in told:
            raise RuntimeError(f"review {review.review_id}: {told}")

    def figures(self, reviews_before: Sequence[str]) -> dict[str, Any]:
        rows, events = self.found(), self.heard()
        own = sum(self._value(row) == f"Bank {number}" for number, row in enumerate(rows))
        ends = [
            sum(entry["to"] == Status.PROCESSED for entry in self.run.documents.history(row.document_id))
            for row in rows
        ]
        published = [events["DocumentProcessed", row.document_id] for row in rows]
        return {
            "reviews": self.count,
            "answered": sum(self.rows.find(review).state == "ANSWERED" for review in reviews_before),  # type: ignore[union-attr]
            "same_review_as_before_the_restarts": sum(
                row.review_id == review for row, review in zip(rows, reviews_before, strict=True)
            ),
            "processed": sum(row.status is Status.PROCESSED for row in rows),
            "results_with_their_own_value": own,
            "events_per_document": {"fewest": min(published), "most": max(published)},
            "closed_per_document": {"fewest": min(ends), "most": max(ends)},
            "most_executions_of_one": max(row.attempt for row in rows),
            "most_ocr_attempts_of_one": max(row.ocr_attempt for row in rows),
            "most_slots_held_while_waiting": self.most_slots,
        }

    def _value(self, row: DocumentRow) -> str:
        result = json.loads(self.run.objects.read(Location(bucket=self.run.work, key=row.result_key)))
        return str(result["Fields"][FIELD]["Value"])


def measure(run: LocalRun, count: int) -> dict[str, Any]:
    reviews = Reviews(run, count)
    began = time.monotonic()
    reviews.open()
    opened = time.monotonic() - began
    before = [row.review_id for row in reviews.found()]
    reviews.until(lambda: not reviews.slots.owners(), 60, "slots given back")
    reviews.most_slots = 0
    restarts = [reviews.restart(240 + 3 * count) for _ in range(2)]
    held = reviews.most_slots
    answering = reviews.answer_all()
    time.sleep(8)  # for the last events, and one too many
    figures = reviews.figures(before) | {"most_slots_held_while_waiting": held}
    seconds = {"open": opened, "restarts": restarts, "answer_and_publish": answering}
    return figures | {
        "seconds": json.loads(json.dumps(seconds), parse_float=lambda text: round(float(text), 1))
    }


def is_right(figures: dict[str, Any]) -> bool:
    """All answered, all published with their own values, none twice, no slot held."""
    count = figures["reviews"]
    once = {"fewest": 1, "most": 1}
    all_of = ("answered", "same_review_as_before_the_restarts", "processed", "results_with_their_own_value")
    return (
        all(figures[name] == count for name in all_of)
        and figures["events_per_document"] == figures["closed_per_document"] == once
        and figures["most_slots_held_while_waiting"] == 0
        and figures["most_ocr_attempts_of_one"] == 1
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--reviews", type=int, default=200)
    count = parser.parse_args().reviews
    with local_run() as run:
        figures = measure(run, count)
    print_table(f"{count} reviews, two restarts", ("what", "figure"), [(k, v) for k, v in figures.items()])
    command = f".venv/bin/python benchmarks/reviews_restart.py --reviews {count}"
    print(write_result("reviews_restart", command, figures | {"right": is_right(figures)}))
    return 0 if is_right(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
