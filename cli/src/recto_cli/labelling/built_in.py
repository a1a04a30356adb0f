"""AWS's own functions for Ground Truth's built-in task types, by region, as AWS documents them."""

import json
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from recto.errors import LabelRequestError
from recto.suggestions import nearest

FILE = Path(__file__).with_name("built_in_functions.json")


class BuiltInFunctions(BaseModel):
    """The accounts that hold them, and their names."""

    model_config = ConfigDict(frozen=True)

    source: tuple[str, ...]
    read: str
    """The day on which the source was read."""
    partition: str
    accounts: dict[str, str]
    """Region to account."""
    pre: tuple[str, ...]
    consolidation: tuple[str, ...]

    def arn(self, name: str, region: str) -> str:
        """The ARN of `PRE-…` or `ACS-…` in a region; LabelRequestError where AWS documents none."""
        known = (*self.pre, *self.consolidation)
        if name not in known:
            raise LabelRequestError(f"AWS has no built-in labelling function {name!r}{nearest(name, known)}")
        if region not in self.accounts:
            raise LabelRequestError(
                f"AWS documents no built-in labelling functions in region {region}; it does in "
                f"{', '.join(self.accounts)}. --pre recto and --post recto take the stack's own"
            )
        return f"arn:{self.partition}:lambda:{region}:{self.accounts[region]}:function:{name}"

    def holds(self, arn: str) -> bool:
        """Whether this is one of AWS's own functions."""
        return any(f":{account}:function:" in arn for account in self.accounts.values())


@cache
def built_in_functions() -> BuiltInFunctions:
    """As the file beside this module says."""
    return BuiltInFunctions.model_validate(json.loads(FILE.read_bytes()))
