"""The public workforce (Mechanical Turk), which AWS has closed: what a job would have said and cost.

Requests are built and checked all the same, so that who still has the contract elsewhere can compare them.
"""

import json
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recto.errors import LabelRequestError
from recto_cli.labelling.tasks import TASKS, TaskType

FILE = Path(__file__).with_name("public_workforce.json")
PUBLIC = "public"
"""What `--team` says for it."""
CLASSIFIERS = ("FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent")


class Availability(BaseModel):
    """Seconds for which a task may wait for workers."""

    default: int
    most: int


class PublicWorkforce(BaseModel):
    """What AWS documented of it."""

    model_config = ConfigDict(frozen=True)

    source: tuple[str, ...]
    read: str
    closed: str
    partition: str
    account: str
    prices: dict[str, tuple[Decimal, ...]]
    object_fees: tuple[tuple[int | None, Decimal], ...]
    """Up to how many objects of a month each costs what, beside the workers; the last has no end."""
    availability: Availability

    def team_arn(self, region: str) -> str:
        return f"arn:{self.partition}:sagemaker:{region}:{self.account}:workteam/public-crowd/default"

    def price(self, told: str, task: TaskType) -> Decimal:
        """A price that the service took for the task; LabelRequestError lists them."""
        allowed = self.prices[TASKS[task].prices]
        try:
            price = Decimal(told)
        except InvalidOperation:
            raise LabelRequestError(f"--price {told!r}: expected US dollars, such as 0.036") from None
        if price not in allowed:
            known = ", ".join(map(str, allowed))
            raise LabelRequestError(f"--price {told}: expected one of {known} for {task} (US dollars)")
        return price

    def fees(self, num_objects: int) -> Decimal:
        """What the service charged for this many objects of one month."""
        total, done = Decimal(0), 0
        for limit, fee in self.object_fees:
            here = max(0, min(num_objects, limit if limit is not None else num_objects) - done)
            total += here * fee
            done += here
        return total


class Simulation(BaseModel):
    """What a job with the public workforce would have cost."""

    model_config = ConfigDict(frozen=True)

    price: Decimal
    workers: int
    num_objects: int
    fees: Decimal

    @property
    def for_workers(self) -> Decimal:
        return self.price * self.workers * self.num_objects

    @property
    def total(self) -> Decimal:
        return self.for_workers + self.fees

    def told(self) -> str:
        """In one line."""
        return (
            f"{self.num_objects:,} objects x {self.workers} workers x {self.price} = "
            f"{self.for_workers:,.2f} for workers, and {self.fees:,.2f} Ground Truth's fee: "
            f"{self.total:,.2f} US dollars"
        )


def amount(price: Decimal) -> dict[str, Any]:
    """A price as the request says it."""
    tenths = int(price * 1000)
    return {
        "AmountInUsd": {
            "Dollars": tenths // 1000,
            "Cents": tenths // 10 % 100,
            "TenthFractionsOfACent": tenths % 10,
        }
    }


@cache
def public_workforce() -> PublicWorkforce:
    """As the file beside this module says."""
    return PublicWorkforce.model_validate(json.loads(FILE.read_bytes()))
