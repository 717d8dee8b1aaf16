"""The kinds of values calls take and give: camelCase, closed, and free of what has no business in them.

Text that becomes one line somewhere (a header, a log, a list) has no control character and
no line separator of any alphabet (faults P20). Text that may have lines has no NUL, which no
database and no message can hold.
"""

from collections.abc import Callable, Sequence
from functools import cache
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from policy.moment import precise
from relay.mail.address import Address, AddressError, parse_path
from relay.store.engine import is_storable, loads

# RFC 5322 §2.2 and what readers take for a line end besides: VT, FF, NEL, U+2028, U+2029.
_BREAKS = frozenset("\x85\u2028\u2029")


class Given(BaseModel):
    """The body of a call. Unknown fields are errors: a misspelt dedupeKey would send twice.

    `null` is what is not given, except where it is a value of its own.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", strict=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None or name not in _optional(cls)}


@cache
def _optional(shape: type[BaseModel]) -> frozenset[str]:
    """The names of fields that may be left out and have no use for null."""
    fields = shape.model_fields.items()
    optional = [(name, f) for name, f in fields if not f.is_required() and NoneType not in get_args(f.annotation)]
    return frozenset(word for name, f in optional for word in (name, f.alias or name))


class WrongField(ValueError):
    """What a body's fields say together is wrong; told of the field it is mended in."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class Told(BaseModel):
    """An answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


T = TypeVar("T")


class Listing(Told, Generic[T]):
    """A page of a list; `nextCursor` asks for the next one."""

    data: Sequence[T]
    next_cursor: str | None = None
    has_more: bool = False


def has_break(text: str) -> bool:
    """Whether the text is not one plain line."""
    return not text.isprintable() and any(c < " " or c == "\x7f" or c in _BREAKS or "\x80" <= c < "\xa0" for c in text)


def _one_line(text: str) -> str:
    if has_break(text):
        raise ValueError("contains a line break or control character")
    return text


def _lines(text: str) -> str:
    if "\0" in text:
        raise ValueError("contains a NUL character")
    return text


def _address(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an address as text")  # noqa: TRY004 - pydantic reads ValueError alone
    return address_of(value).wire


def address_of(text: str) -> Address:
    """The one strict mailbox a text is; raises ValueError with a clause for the caller."""
    try:
        return parse_path(text)
    except AddressError as error:
        raise ValueError(f"is not an address: {error.detail}") from None


def _moment(value: Any) -> int:
    from relay.submission.wishes import parse_time

    if not isinstance(value, str):
        raise ValueError("must be a time such as 2026-03-24T10:30:00Z (RFC 3339)")  # noqa: TRY004 - pydantic reads ValueError alone
    try:
        return parse_time(value)
    except OverflowError:
        raise ValueError("not a time") from None


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """What a caller adds of its own, if a column can hold it."""
    if not is_storable(value):
        raise ValueError("holds what cannot be stored: a number beyond 64 bits, or hundreds of levels")
    return value


Line = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_one_line)]
Short = Annotated[str, StringConstraints(max_length=256), AfterValidator(_one_line)]
Note = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_lines)]
Lines = Annotated[str, AfterValidator(_lines)]
Email = Annotated[str, BeforeValidator(_address), WithJsonSchema({"type": "string", "format": "email"})]
Moment = Annotated[int, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Metadata = Annotated[dict[str, Any], Field(max_length=100), AfterValidator(_storable)]
DateTime = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def of_row(shape: type[Told], row: Any, **other: Any) -> dict[str, Any]:
    """A row as the API tells it: each field of the shape from the column of its name, but for those of `other`."""
    return {word: other[name] if name in other else tell(getattr(row, name)) for name, word, tell in _forms(shape)}


@cache
def _forms(shape: type[Told]) -> Sequence[tuple[str, str, Callable[[Any], Any]]]:
    """Each field of a shape: its name, its name in the API, and how what a column has becomes its value."""
    kinds = get_type_hints(shape, include_extras=True)
    return [(name, to_camel(name), _form(kinds[name])) for name in shape.model_fields]


def _form(kind: Any) -> Callable[[Any], Any]:
    if kind in (DateTime, DateTime | None):
        return when if kind == DateTime else precise
    if NoneType in get_args(kind):
        return lambda value: value or None  # what is absent is "" or 0 in a column
    return loads if get_origin(kind) in (dict, list) else bool if kind is bool else lambda value: value


class Cause(Given):
    """Why something is stopped."""

    cause: Short = Field(default="", description="Shown to everybody it concerns.")


NO_CAUSE = Cause()


def when(at: int) -> str:
    """A time that is always there."""
    return precise(at) or "1970-01-01T00:00:00.000Z"
