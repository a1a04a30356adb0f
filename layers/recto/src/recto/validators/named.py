"""A rule as a field configuration writes it: its bare name, or an object with `Name` and its parameters."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from recto.suggestions import nearest


class NamedRule(BaseModel):
    """A name from a table, with the parameters that the table says."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_pascal, validate_by_name=True, validate_by_alias=True
    )
    WHAT: ClassVar[str]
    """`validator` or `rule`, for messages."""

    name: str

    @classmethod
    def table(cls) -> Mapping[str, tuple[type[BaseModel], Any]]:
        """Name to parameters and check."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _is_known_with_its_parameters(self) -> Self:
        if self.name not in self.table():
            known, hint = ", ".join(sorted(self.table())), nearest(self.name, self.table())
            raise ValueError(f"unknown {self.WHAT} {self.name!r}{hint}; known: {known}")
        try:
            self.parameters()
        except ValidationError as error:
            problems = "; ".join(self._problem(dict(one)) for one in error.errors())
            raise ValueError(f"{self.WHAT} {self.name!r}: {problems}") from error
        return self

    def _problem(self, problem: Mapping[str, Any]) -> str:
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            known = [to_pascal(name) for name in self.table()[self.name][0].model_fields]
            takes = ", ".join(known) or "none"
            return f"unknown parameter {key!r}{nearest(key, known)}; it takes {takes}"
        if problem["type"] == "missing":
            return f"parameter {key!r} is missing"
        return f"{key} {problem['msg'].removeprefix('Value error, ')}".strip()

    def parameters(self) -> Any:
        """The parameters, parsed."""
        return self.table()[self.name][0].model_validate(self.model_extra or {}, by_alias=True, by_name=False)

    def short(self) -> str | dict[str, Any]:
        """As the configuration writes it: the bare name where there are no parameters."""
        return {"Name": self.name, **(self.model_extra or {})} if self.model_extra else self.name
