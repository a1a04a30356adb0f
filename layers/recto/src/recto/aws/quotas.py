"""`recto.ports.Quotas` over Service Quotas. Where they cannot be read there are none."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from recto.aws.clients import client, errors_of
from recto.errors import RectoError

MOST_PAGES = 10


class ServiceQuotas:
    """What the account may do, its own increases counted in."""

    def __init__(self, caller: str) -> None:
        self._quotas = client("service-quotas", caller, retries=1)

    def of(self, service: str) -> list[tuple[str, float]]:
        """AWS's defaults, and over them what is applied to the account, which may lack what nobody raised."""
        defaults = _read(self._quotas.list_aws_default_service_quotas, "ListAWSDefaultServiceQuotas", service)
        return list(
            (defaults | _read(self._quotas.list_service_quotas, "ListServiceQuotas", service)).items()
        )


def _read(ask: Callable[..., Any], operation: str, service: str) -> dict[str, float]:
    """Values by name; none where they cannot be read."""
    found: dict[str, float] = {}
    request = {"ServiceCode": service, "MaxResults": 100}
    try:
        with errors_of(f"{operation} {service}"):
            for _ in range(MOST_PAGES):
                answer = ask(**request)
                found |= {each["QuotaName"]: float(each["Value"]) for each in answer.get("Quotas", [])}
                if not answer.get("NextToken"):
                    break
                request["NextToken"] = answer["NextToken"]
    except (RectoError, ClientError):  # no right, no such service: whoever asks says which source it uses
        return {}
    return found
