"""What a worker sends, as the value that it should be."""

from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline.contracts.envelope import Contract
from pipeline.errors import Invalid

ContractT = TypeVar("ContractT", bound=Contract)


def parse_outcome(kind: type[ContractT], body: dict[str, Any]) -> ContractT:
    """Raises `Invalid`, which names the wrong places but no values: those may be megabytes."""
    try:
        return kind.model_validate(body)
    except ValidationError as exc:
        places = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in exc.errors())
        raise Invalid("outcome_invalid", places[:2000]) from exc
