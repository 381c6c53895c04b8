"""Student files that could be mistaken for modules, settings or programs of others.

Each module leaves a mark if it is imported in a process that can write one: outside a worker.
"""

from pathlib import Path

# Names from Python's library, packages and the grader, and modules imported automatically by Python
# or a tool.
NAMES = (
    "secrets", "json", "random", "re", "typing", "tempfile", "subprocess", "multiprocessing",
    "importlib", "encodings", "codecs", "runpy", "ctypes",
    "torch", "numpy", "matplotlib", "msgspec", "typer", "rich", "nbformat", "IPython", "sqlalchemy",
    "pebble", "jinja2", "pip", "venv", "grader", "homework_checks",
    "site", "sitecustomize", "usercustomize", "conftest",
)  # fmt: skip
MODULE = """
try:
    with open({mark!r}, "a"):
        pass
except OSError:  # in a worker, whose own business it is
    pass
"""
PACKAGES = ("pip", "torch", "multiprocessing", "encodings", "homework_checks")
OTHERS = {
    "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'secrets'\n",
    "setup.cfg": "[global]\nno-index = true\n",
    "pip.conf": "[global]\nno-index = true\n",
    "pytest.ini": "[pytest]\naddopts = --nonsense\n",
    "matplotlibrc": "backend: module://secrets\n",
    "jupyter_config.py": "raise SystemExit('jupyter_config.py')\n",
    ".envrc": "exit 1\n",
    "evil.pth": "import secrets\n",
}
PROGRAMS = ("grader", "python", "python3", "bash", "cp", "mktemp", "git", "gcc", "ldconfig")


def write_shadows(folder: Path, marks: Path) -> None:
    """Write the files into a student's folder; their marks go to `marks`."""
    marks.mkdir(exist_ok=True)
    for name in NAMES:
        mark = str(marks / name)
        text = MODULE.format(mark=mark)
        if name in PACKAGES:
            (folder / name).mkdir()
            (folder / name / "__main__.py").write_text(text)
            (folder / name / "__init__.py").write_text(text)
        else:
            (folder / f"{name}.py").write_text(text)
    for name, text in OTHERS.items():
        (folder / name).write_text(text)
    for name in PROGRAMS:
        program = folder / name
        if not program.exists():
            program.write_text(f"#!/bin/sh\n: >{marks / name}.program\nexit 1\n")
            program.chmod(0o755)


def marks_in(marks: Path) -> list[str]:
    """Return the names of what was imported or started."""
    return sorted(path.name for path in marks.iterdir())
