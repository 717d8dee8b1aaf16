"""The wheel holds everything the program needs, and runs where the source tree is not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = (".html", ".css", ".js", ".yaml", ".txt", ".json", ".mako", ".svg", ".sql", ".typed")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


def files(*folders: str) -> set[str]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_what_the_three_packages_hold_and_nothing_else(wheel):
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == files("policy", "config", "relay")
    assert {Path(name).suffix for name in packed} - {".py"} <= set(DATA)


def test_templates_static_files_migrations_and_presets_are_inside(wheel):
    packed = zipfile.ZipFile(wheel).namelist()
    assert "config/providers.yaml" in packed
    assert any(name.startswith("relay/store/migrations/versions/") for name in packed)
    assert any(name.endswith(".html") for name in packed)
    assert any(name.startswith("relay/http/static/") for name in packed)


def test_the_demo_runs_from_a_clean_environment(wheel, tmp_path):
    """Our locked dependencies are lent to it; the source tree is not."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    lent = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(
        f"import sys; sys.path.append({str(lent)!r})\n", "utf-8"
    )  # no editable install comes along
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEPOST_", "PYTHON"))}
    demo = subprocess.run(
        [python.with_name("gatepost"), "demo", "--once"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (demo.returncode, demo.stderr) == (0, ""), demo.stdout + demo.stderr
    asked = [python, "-c", "import relay; print(relay.__file__)"]
    assert str(site) in subprocess.check_output(asked, cwd=tmp_path, env=environment, text=True)
