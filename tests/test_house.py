"""The house rules that a machine can hold: which way imports run, how large things get, what never enters the code."""

import ast
import re
import subprocess
import sys
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("policy", "config", "relay")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60  # where the table of a state machine or a schema is; most are a quarter of that
HANDED_ON = (
    "sqlalchemy",
    "sqlalchemy.Connection",
    "sqlalchemy.Engine",
)  # types only: a transaction passed to the store
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "__pycache__" not in path.parts]


def hand_written(*folders: str) -> list[Path]:
    """Without migrations, never changed again, and without word lists, which are data."""
    return [path for path in modules(*folders) if not {"versions", "lexicon"} & set(path.parts)]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file's tree."""
    return tuple(ast.walk(tree(path)))


@cache
def imported(path: Path) -> set[str]:
    """The modules a file imports, relative ones left out."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def where(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_imports_run_one_way():
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_policy_knows_the_standard_library_its_kind_of_value_and_itself_alone():
    allowed = sys.stdlib_module_names | {"policy", "msgspec"}
    strangers = {
        where(path): name for path in modules("policy") for name in imported(path) if name.split(".")[0] not in allowed
    }
    assert not strangers


def test_sql_is_spoken_in_the_store_alone():
    speakers = {
        where(path): name
        for path in modules(*SHIPPED)
        if "store" not in path.relative_to(ROOT).parts
        for name in imported(path)
        if name.split(".")[0] in ("sqlalchemy", "sqlite3", "aiosqlite", "psycopg", "alembic") and name not in HANDED_ON
    }
    assert not speakers


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("email.policy", "`from email import policy` hides our package; write `from email.policy import SMTP`"),
        ("email.utils.parseaddr", "it reads addresses that are not there (faults P12)"),
        ("email.utils.getaddresses", "it reads addresses that are not there (faults P12)"),
        ("unittest.mock", "tests use real parts on loopback"),
    ],
)
def test_some_names_are_never_imported(name, reason):
    def uses(path: Path) -> bool:
        bound = {
            f"{node.module}.{alias.name}"
            for node in nodes(path)
            if isinstance(node, ast.ImportFrom) and not node.level
            for alias in node.names
        }
        return name in (bound if name.startswith("email") else imported(path))

    ours = modules(*SHIPPED, *(("tests",) if name in ("email.policy", "unittest.mock") else ()))
    assert not [where(path) for path in ours if uses(path)], reason


def remarks(path: Path) -> list[tokenize.TokenInfo]:
    """The comments of a file."""
    with path.open("rb") as file:
        return [token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]


def test_nothing_is_unfinished():
    found = []
    for path in modules(*SHIPPED, "tests", "benchmarks"):
        if UNFINISHED.search(path.read_text("utf-8")):  # in few files, and few of those say it in a comment
            found += [where(path, one.start[0]) for one in remarks(path) if UNFINISHED.search(one.string)]
        names = [node for node in nodes(path) if isinstance(node, ast.Name) and node.id == "NotImplementedError"]
        found += [where(path, node.lineno) for node in names]
    assert not found


def test_modules_stay_small():
    lengths = {
        where(path): len(path.read_text("utf-8").splitlines()) for path in hand_written(*SHIPPED, "tests", "benchmarks")
    }
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE}


def test_functions_stay_small():
    long = {
        where(path, node.lineno): length
        for path in hand_written(*SHIPPED)
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long


def test_a_module_opens_with_what_it_promises():
    assert not [where(path) for path in modules(*SHIPPED) if tree(path).body and not ast.get_docstring(tree(path))]


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in modules("tests")}
    assert not [where(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_no_test_sleeps():
    """Time is an argument. `asyncio.sleep(0)` only lets others run."""

    def sleeps(node: ast.Call) -> bool:
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "sleep"):
            return False
        of = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        nothing = bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
        return of == "time" or (of == "asyncio" and not nothing)

    tests = [path for path in modules("tests") if path.name.startswith("test_")]
    calls = [(path, node) for path in tests for node in nodes(path) if isinstance(node, ast.Call)]
    assert not [where(path, node.lineno) for path, node in calls if sleeps(node)]
