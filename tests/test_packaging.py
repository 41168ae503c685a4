"""What is installed: the wheel holds the recipes, and our `datasets` folder shadows nobody's package."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_datasets_folder_holds_no_python() -> None:
    """An ``__init__.py`` there would hide Hugging Face's `datasets` from TRL in every checkout."""
    folder = REPOSITORY / "datasets"
    assert folder.is_dir()
    assert not [file for file in folder.rglob("*") if file.suffix in (".py", ".pyi", ".so")]


def test_import_datasets_is_hugging_faces() -> None:
    pytest.importorskip("datasets")
    code = "import datasets; print(datasets.__file__, hasattr(datasets, 'Dataset'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    file, is_theirs = done.stdout.rsplit(" ", 1)
    assert is_theirs.strip() == "True"
    assert not Path(file).is_relative_to(REPOSITORY / "datasets")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built by the backend itself: no network, no isolated environment."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_the_rooms_and_the_data(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"prorl_envs", "sandbox", "adapters"}
    for name in ("prorl_envs/py.typed", "sandbox/py.typed", "adapters/py.typed"):
        assert name in names
    data = REPOSITORY / "datasets"
    files = {file.relative_to(data).as_posix() for file in data.rglob("*") if file.is_file()}
    assert {f"prorl_envs/_datasets/{file}" for file in files} <= names


def test_the_wheel_finds_its_recipes_where_it_is_unpacked(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import prorl_envs.recipes as r; print(r.__file__); print(r.data_root()); print(len(r.recipe_names()))\n"
        "print(r.load_recipe('deepscaler').domain)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    file, root, count, domain = done.stdout.split("\n")[:4]
    assert Path(file).is_relative_to(tmp_path)
    assert Path(root) == tmp_path / "prorl_envs" / "_datasets"
    assert int(count) == len(list((REPOSITORY / "datasets" / "recipes").glob("*.yaml")))
    assert domain == "math"
