"""The kinds of values in calls and answers: camelCase, no unknown fields, no harmful characters.

Text that becomes one line somewhere (a header, a log, a list) contains no control characters or line
separators of any script (faults P20). Text of several lines contains no NUL, which neither databases nor
messages can hold.
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
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core.core_schema import json_or_python_schema

from policy.moment import exact, precise
from relay.mail.address import Address, AddressError, parse_path
from relay.store.engine import is_storable, loads

# RFC 5322 §2.2, and what readers also take for a line end: VT, FF, NEL, U+2028, U+2029.
_BREAKS = frozenset("\x85\u2028\u2029")


class Given(BaseModel):
    """The body of a call. Unknown fields are errors: a misspelt dedupeKey would cause a message to be sent twice.

    `null` counts as absent, except where it is a value of its own.
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
    """The names of optional fields for which null has no meaning."""
    fields = shape.model_fields.items()
    optional = [(name, f) for name, f in fields if not f.is_required() and NoneType not in get_args(f.annotation)]
    return frozenset(word for name, f in optional for word in (name, f.alias or name))


class WrongField(ValueError):
    """Several fields of a body contradict each other; `field` is the one to correct."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class Told(BaseModel):
    """An answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


T = TypeVar("T")


class Listing(Told, Generic[T]):
    """A page of a list; `nextCursor` requests the next one."""

    data: Sequence[T]
    next_cursor: str | None
    has_more: bool


def among(words: Any) -> Any:
    """The words a field may have, for the description: those of a Literal or an enumeration, or the given ones.

    No answer is checked against them: what is stored is told as it is, even if a newer version wrote it.
    """
    return Field(json_schema_extra={"enum": [str(word) for word in get_args(words) or words]})


class ShownAs:
    """Describes values as of another type, by which they are not checked: they were made here, and there are many."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_json_schema__(self, _core: Any, shown: GetJsonSchemaHandler) -> Any:
        """The schema of the other type, by its name if it has one: only a schema within another is named."""
        schema = TypeAdapter(self._kind).core_schema
        return shown(json_or_python_schema(schema, schema))


def has_break(text: str) -> bool:
    """Whether the text is not a single plain line."""
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
        raise ValueError("must be an address as text")  # noqa: TRY004 - pydantic handles only ValueError
    return address_of(value).wire


def address_of(text: str) -> Address:
    """The single strict address in a text. Raises ValueError with a clause for the caller."""
    try:
        return parse_path(text)
    except AddressError as error:
        raise ValueError(f"is not an address: {error.detail}") from None


def _moment(value: Any) -> int:
    from relay.submission.wishes import parse_time

    if not isinstance(value, str):
        raise ValueError("must be a time such as 2026-03-24T10:30:00Z (RFC 3339)")  # noqa: TRY004 - pydantic handles only ValueError
    try:
        return parse_time(value)
    except OverflowError:
        raise ValueError("not a time") from None


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """The caller's own data, checked to fit into a column. Raises ValueError."""
    if not is_storable(value):
        raise ValueError("holds what cannot be stored: a number beyond 64 bits, or hundreds of levels")
    return value


Line = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_one_line)]
Short = Annotated[str, StringConstraints(max_length=256), AfterValidator(_one_line)]
Note = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_lines)]
Lines = Annotated[str, AfterValidator(_lines)]
Email = Annotated[
    str,
    BeforeValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "examples": ["prospect@example.com"]}),
]
Moment = Annotated[int, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Metadata = Annotated[dict[str, Any], Field(max_length=100), AfterValidator(_storable)]
DateTime = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def of_row(shape: type[Told], row: Any, **other: Any) -> dict[str, Any]:
    """A row in the API's form: each field from the column of its name, except those given in `other`."""
    return {word: other[name] if name in other else tell(getattr(row, name)) for name, word, tell in _forms(shape)}


@cache
def _forms(shape: type[Told]) -> Sequence[tuple[str, str, Callable[[Any], Any]]]:
    """Each field of a shape: its name, its name in the API, and how the column's value is converted."""
    kinds = get_type_hints(shape, include_extras=True)
    return [(name, to_camel(name), _form(kinds[name])) for name in shape.model_fields]


def _form(kind: Any) -> Callable[[Any], Any]:
    if kind in (DateTime, DateTime | None):
        return exact if kind == DateTime else precise
    if NoneType in get_args(kind):
        return lambda value: value or None  # columns hold "" or 0 for an absent value
    return loads if get_origin(kind) in (dict, list) else bool if kind is bool else lambda value: value


class PauseCause(Given):
    """Why something is paused."""

    cause: Short = Field(default="", description="Shown to everybody affected.", examples=["too many complaints"])


NO_CAUSE = PauseCause()
