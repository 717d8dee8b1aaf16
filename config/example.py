"""The commented gatepost.yaml written by `gatepost init`, with the keys to which it refers.

Nothing is ever overwritten: if the file or a key exists already, FileExistsError names it. Keys are written before
the file that refers to them, readable by the owner alone, so that an interrupted run leaves no file without its keys.
"""

import json
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

FILE_NAME = "gatepost.yaml"
KEY_FILES = ("keys/secret.key", "keys/admin.key")


def render(domain: str = "example.com", physical_address: str = "") -> str:
    """The text of the file for one sending domain."""
    text = files("config").joinpath("example.yaml").read_text(encoding="utf-8")
    # JSON strings are YAML strings, whatever they contain.
    values = {"@DOMAIN@": domain, "@ADDRESS@": physical_address, "@AGENT@": f"agent@{domain}"}
    for token, value in values.items():
        text = text.replace(token, json.dumps(value, ensure_ascii=False))
    return text


def write(folder: Path, new_key: Callable[[], str], domain: str = "example.com", physical_address: str = "") -> Path:
    """Write keys and file into `folder`; returns the file's path. Raises FileExistsError."""
    check_free(folder)
    target = folder / FILE_NAME
    for name in KEY_FILES:
        (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(folder / name, f"{new_key()}\n", 0o600)
    _create(target, render(domain, physical_address), 0o640)
    return target


def check_free(folder: Path) -> None:
    """Raise FileExistsError if one of the files exists already."""
    for name in (FILE_NAME, *KEY_FILES):
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} already exists; nothing was written")


def _create(path: Path, text: str, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
