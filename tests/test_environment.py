"""The files that say what gets installed agree with pyproject.toml, the one place for dependencies."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import course_utils
from course_utils import bootstrap

ROOT = Path(course_utils.__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PLATFORMS = {
    "Linux": {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    "macOS": {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    "Windows": {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
}
PYTHONS = [f"{major}.{minor}" for major, minor in bootstrap.supported_versions()]


def committed_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the course has no history that says which files are committed")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def pinned(platform: str, python: str) -> dict[str, str]:
    """The versions that constraints.txt sets on a platform."""
    environment = default_environment() | PLATFORMS[platform]
    environment |= {"python_version": python, "python_full_version": f"{python}.9", "implementation_name": "cpython"}
    return {
        pin.name.lower().replace("_", "-"): next(iter(pin.specifier)).version
        for pin in CONSTRAINTS
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def test_bootstrap_reads_the_same_python_range_as_pip():
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [f"3.{minor}" for minor in range(30, 0, -1) if f"3.{minor}.0" in allowed] == PYTHONS


def test_conda_takes_the_same_pythons():
    [python] = [need for need in CONDA["dependencies"] if isinstance(need, str) and need.startswith("python ")]
    assert SpecifierSet(python.removeprefix("python ")) == SpecifierSet(PROJECT["requires-python"])


def test_conda_brings_python_ffmpeg_and_pip_and_pip_brings_the_rest():
    names = [need.split()[0] for need in CONDA["dependencies"] if isinstance(need, str)]
    assert names == ["python", "ffmpeg", "pip"]
    assert CONDA["dependencies"][-1] == {"pip": ["-e ."]}
    assert CONDA["channels"] == ["conda-forge"]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_tested_versions_are_within_the_bounds(platform: str, python: str):
    versions = pinned(platform, python)
    needs = [*PROJECT["dependencies"], *(need for extra in PROJECT["optional-dependencies"].values() for need in extra)]
    for need in map(Requirement, needs):
        assert versions[need.name.lower()] in need.specifier, f"{need} on {platform}: run `make constraints`"


def test_what_the_course_imports_is_declared():
    distributions = metadata.packages_distributions()
    declared = {canonicalize_name(Requirement(need).name) for need in PROJECT["dependencies"]}
    for path in (ROOT / "course_utils").rglob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        for name in {module.partition(".")[0] for module in imported} - sys.stdlib_module_names - {"course_utils"}:
            assert declared & set(map(canonicalize_name, distributions[name])), f"{path.name} imports {name}"


def test_every_constraint_is_one_exact_version_that_pip_accepts():
    for pin in CONSTRAINTS:
        assert not pin.extras, pin
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin


def test_the_pins_admit_pytorchs_builds_for_cpu():
    for pin in CONSTRAINTS:
        if pin.name in bootstrap.PYTORCH:
            [version] = pin.specifier
            assert f"{version.version}+cpu" in pin.specifier


def test_the_reason_for_the_torch_pin_stands_beside_it():
    comment = re.search(r'((?: *#.*\n)+) *"torch==', PYPROJECT)[1]
    assert "torchaudio 2.11.0 is the last release" in " ".join(comment.replace("#", "").split())


def test_only_pytorchs_own_package_index_is_named():
    hosts = r"pypi\.org|pythonhosted\.org|anaconda\.(?:org|com)|registry\.npmjs\.org"
    for path in committed_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert not re.search(hosts, text), path
        for url in re.findall(r"(?:index-url|find-links)[ =\"',]+(https?://[^\s\"']+)", text):
            assert urlsplit(url).hostname in {"download.pytorch.org", "small.invalid", "127.0.0.1"}, path


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed, as on many Windows computers")
def test_make_alone_lists_every_target():
    targets = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    listing = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    ).stdout
    assert [line.split()[0] for line in listing.splitlines()] == targets
    assert all(len(line.split()) > 2 for line in listing.splitlines())
