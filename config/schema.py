"""The JSON Schema of the file, for editors: every key in both spellings, with its manual.

Whatever the schema refuses, the loader refuses, too; the loader also refuses more (such as two mailboxes with
one address).
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from config.binding import annotations, element_of, section_of
from config.durations import show_duration
from config.manual import comments
from config.names import camel
from config.rules import ORIGINS
from config.secrets import Secret
from config.settings import Settings
from config.types import Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of gatepost.yaml."""
    made = Settings.model_json_schema(schema_generator=_Generator)
    described = {section.__name__: section for section in _sections(Settings)}
    for name, body in made.get("$defs", {}).items():
        _finish(body, described[name])
    _finish(made, Settings)
    return {"$schema": DIALECT, "title": "gatepost.yaml"} | made | {"title": "gatepost.yaml"}


class _Generator(GenerateJsonSchema):
    """Writes defaults as they would be written in the file."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Secret):
            return None
        return super().encode_default(_written(dft))


def _written(value: Any) -> Any:
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, BaseModel):
        return {name: _written(inner) for name, inner in value if inner is not None}
    if isinstance(value, tuple | list):
        return [_written(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    return value


def _sections(section: type[Section]) -> dict[type[Section], None]:
    """The section and all sections below it, each once."""
    found: dict[type[Section], None] = {section: None}
    for kind in annotations(section).values():
        for part in (kind, element_of(kind, tuple), element_of(kind, dict)):
            inner = section_of(part) if part is not None else None
            if inner is not None and inner not in found:
                found |= _sections(inner)
    return found


def _finish(body: dict[str, Any], section: type[Section]) -> None:
    """Add descriptions, camelCase spellings, and the short form of a rule."""
    manual = comments(ORIGINS.get(section.__name__, section)) or _docstrings(section)
    properties: dict[str, Any] = {}
    for name, declared in body.get("properties", {}).items():
        entry = {key: value for key, value in declared.items() if key != "title"}
        if name in manual:
            entry["description"] = manual[name]
        if "$ref" in entry or entry.get("type") in ("array", "object"):
            # Sections and lists may be empty, with everything in them commented out.
            entry = _or_null(entry)
        properties[name] = entry
        if camel(name) != name:
            properties[camel(name)] = entry
    body["properties"] = properties
    body.pop("title", None)
    _requirements(body)
    if getattr(section, "shorthand", None):
        body.pop("type", None)
        body["anyOf"] = [{"type": "object"}, {"enum": properties["mode"]["enum"]}]


def _or_null(entry: dict[str, Any]) -> dict[str, Any]:
    outer = {key: entry[key] for key in ("description", "default") if key in entry}
    inner = {key: value for key, value in entry.items() if key not in outer}
    return {"anyOf": [inner, {"type": "null"}]} | outer


def _docstrings(section: type[Section]) -> dict[str, str]:
    """A field that is a rule is described by the rule's own docstring."""
    inner = {name: section_of(kind) for name, kind in annotations(section).items()}
    return {
        name: ORIGINS[kind.__name__].__doc__ or "" for name, kind in inner.items() if kind and kind.__name__ in ORIGINS
    }


def _requirements(body: dict[str, Any]) -> None:
    """A required key may be written in either spelling."""
    required = body.pop("required", [])
    plain = [name for name in required if camel(name) == name]
    twins = [{"anyOf": [{"required": [name]}, {"required": [camel(name)]}]} for name in required if camel(name) != name]
    if plain:
        body["required"] = plain
    if twins:
        body["allOf"] = twins
