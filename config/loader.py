"""Reads a configuration from file, environment and defaults, and reports everything wrong with it at once.

`load` either returns settings that can be used as they are, or raises ConfigError with one line for every
problem, in the order of the file. It writes nothing and connects to nothing. Warnings are about things that
work but are probably not intended.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from config import environment
from config.binding import Bound, bind
from config.checks import check
from config.defaults import fill
from config.errors import ConfigError, Problem
from config.findings import Check
from config.messages import problems_of
from config.settings import Settings
from config.tree import Node, parse
from config.types import Context

# Enough for thousands of mailboxes, but not for a data file given by mistake.
_LARGEST_FILE = 33_554_432


@dataclass(frozen=True, slots=True)
class Loaded:
    settings: Settings
    warnings: tuple[Problem, ...]


def load(
    path: str | Path,
    env: Mapping[str, str] = os.environ,
    *,
    need_secrets: bool = True,
    more: Iterable[Check] = (),
) -> Loaded:
    """The settings of the file at `path`. Raises ConfigError. Commands that use no secret pass
    need_secrets=False: then a reference that leads nowhere is only a warning, and revealing that secret raises
    SecretMissing. `more` adds checks by those who know what the settings are used for (`relay.app.checks`).
    """
    folder = Path(path).absolute().parent
    return load_text(_read(Path(path)), str(path), folder, env, need_secrets=need_secrets, more=more)


def load_text(
    text: str,
    source: str = "gatepost.yaml",
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    *,
    need_secrets: bool = True,
    more: Iterable[Check] = (),
) -> Loaded:
    """The settings in `text`; relative paths start at `folder`. Raises ConfigError."""
    env = {} if env is None else env
    context = Context(folder=(folder or Path.cwd()).absolute(), env=env)
    tree = parse(text, source)
    if tree.kind != "map":
        raise ConfigError([Problem(source, tree.line, "", "must be a mapping that begins with version: 1")])
    problems = environment.apply(tree, env)
    bound = bind(tree, Settings)
    settings = _validate(tree, bound, problems, context)
    errors, warnings = check(settings, bound, need_secrets=need_secrets, more=more)
    if errors:
        raise ConfigError(_in_order(errors))
    return Loaded(settings, tuple(_in_order(warnings)))


def _validate(tree: Node, bound: Bound, problems: list[Problem], context: Context) -> Settings:
    problems += bound.problems
    if "version" not in bound.data:
        problems.append(Problem(tree.source, 1, "version", "is missing; write version: 1"))
    try:
        settings = Settings.model_validate({"version": 1} | bound.data, context=context)
    except ValidationError as error:
        raise ConfigError(_in_order(problems + problems_of(error, bound))) from None
    if problems:
        raise ConfigError(_in_order(problems))
    return fill(settings, context)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError([Problem(str(path), 0, "", "no such file; gatepost init writes one")]) from None
    except OSError as error:
        reason = (error.strerror or "input/output error").lower()
        raise ConfigError([Problem(str(path), 0, "", f"cannot be read: {reason}")]) from None
    if len(raw) > _LARGEST_FILE:
        raise ConfigError([Problem(str(path), 0, "", "is larger than 32 MiB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not text in UTF-8")]) from None


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line == 0, problem.line))
