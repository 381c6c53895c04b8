"""Let files that were handed in together import each other, from memory.

Each of their modules has builtins with an `__import__` of its own. A name means, in this order:
what Python's library or an allowed package is called; a file beside the one that imports it, or at
the top of what was handed in; and else nothing, whatever is installed. What other code imports is
not touched.
"""

import builtins
import os
import posixpath
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import PurePosixPath
from types import FrameType, ModuleType
from typing import Any

from selfcheck.files import File
from selfcheck.plots import show_nothing

Namespace = dict[str, Any]
# What else the packages install at the top.
PARTS = {"matplotlib": ("mpl_toolkits", "pylab"), "torch": ("functorch",)}
SELFCHECK = "selfcheck"
DRAWING = ("matplotlib", "pylab")
_import = builtins.__import__


def reserved_names(packages: Collection[str]) -> set[str]:
    """Return what the modules of Python's library and of the packages are called at the top."""
    parts = (part for name in packages for part in PARTS.get(name, ()))
    return {*sys.stdlib_module_names, *packages, *parts}


class Modules:
    """The files of a submission as modules; `run` runs a file in a module's namespace.

    `note` is told once of each file that is not imported, for it has another module's name.
    """

    def __init__(
        self,
        files: Iterable[File],
        packages: Collection[str],
        run: Callable[[File, Namespace], None],
        note: Callable[[str], None],
    ) -> None:
        self._files = {file.name: file for file in files}
        self._packages = packages
        self._reserved = reserved_names(packages)
        self._run = run
        self._note = note
        self._told: set[str] = set()
        self._modules: dict[str, ModuleType] = {}  # by path, without a suffix
        # In sys.modules by name, with what was called so before.
        self._entered: dict[str, tuple[ModuleType, ModuleType | None]] = {}
        self.builtins = ModuleType("builtins")
        self.builtins.__dict__.update(vars(builtins), __import__=self._import)

    def install(self) -> None:
        """Let pickle find the modules, too. Those of a submission before are gone."""
        for finder in sys.meta_path[:]:
            if isinstance(finder, Modules):
                finder.uninstall()
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Leave nothing of the submission in the process's own tables."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name, (module, before) in self._entered.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
                if before is not None:
                    sys.modules[name] = before

    def enter(self, path: str, name: str) -> ModuleType:
        """Make the module called `name` of the file at `path`, which nothing has run yet."""
        module = ModuleType(name)
        self._modules[path] = module
        if name not in sys.modules or name in ("__main__", "homework"):
            self._entered[name] = module, sys.modules.get(name)
            sys.modules[name] = module
        module.__dict__["__builtins__"] = self.builtins
        module.__dict__["__package__"] = name.rpartition(".")[0]
        return module

    def add(self, file: File) -> None:
        """Add a file that the submission wrote itself; it counts in place of one of that name."""
        self._files[file.name] = file

    def find(self, name: str, folder: str) -> File | None:
        """Return the file called `name` beside what is in `folder`, or at the top."""
        for base in (folder, ""):
            path = posixpath.normpath(posixpath.join(base, name))
            if path in self._files:
                return self._files[path]
        return None

    # Importing

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as `__import__` does."""
        folder = _folder_of(globals)
        if level:
            return self._relative(name, folder, fromlist or (), level)
        top = name.partition(".")[0]
        if top == SELFCHECK:
            return _selfcheck()
        base = self._base_of(top, folder)
        if top in self._reserved:
            if base is not None:
                self._tell_of(top)
            module = _import(name, globals, locals, fromlist or (), 0)
            if top in DRAWING:
                show_nothing()
            return _with(module, self._instead(module, fromlist or ()))
        if base is None:
            known = next((m for p, m in self._modules.items() if m.__name__ == name), None)
            if known is None:
                raise self._not_found(top)
            return known
        return self._own(name, base, fromlist or ())

    def _relative(self, name: str, folder: str, fromlist: Sequence[str], level: int) -> ModuleType:
        base = PurePosixPath(folder)
        for _ in range(level - 1):
            if base == PurePosixPath():
                raise ImportError("attempted relative import beyond what was handed in")
            base = base.parent
        if name:
            return self._own(name, str(base).removeprefix("."), fromlist)
        package = self._module_at(str(base).removeprefix("."), ".".join(base.parts))
        self._submodules(package, str(base).removeprefix("."), fromlist)
        return package

    def _own(self, name: str, base: str, fromlist: Sequence[str]) -> ModuleType:
        """Import a.b.c below a folder; return c where names are asked of it, else a."""
        path, dotted = base, ""
        module: ModuleType | None = None
        first: ModuleType | None = None
        for part in name.split("."):
            path = _joined(path, part)
            dotted = f"{dotted}.{part}" if dotted else part
            if not self._exists(path):
                raise ModuleNotFoundError(f"no {path}.py was handed in", name=dotted)
            parent, module = module, self._module_at(path, dotted)
            if parent is not None:
                setattr(parent, part, module)
            first = first or module
        assert first is not None
        assert module is not None
        if not fromlist:
            return first
        self._submodules(module, path, fromlist)
        return module

    def _submodules(self, package: ModuleType, path: str, fromlist: Sequence[str]) -> None:
        """Import the modules that a `from package import name` names."""
        if self._file_at(path) is self._files.get(f"{path}.py") is not None:
            return  # a module has none
        names = getattr(package, "__all__", ()) if "*" in fromlist else fromlist
        for name in names:
            if isinstance(name, str) and not hasattr(package, name):
                inner = _joined(path, name)
                if self._exists(inner):
                    setattr(package, name, self._module_at(inner, f"{package.__name__}.{name}"))

    def _module_at(self, path: str, name: str) -> ModuleType:
        module = self._modules.get(path)
        if module is None:
            module = self.enter(path, name)
            file = self._file_at(path)
            if file is None or file.name.endswith("/__init__.py"):
                module.__dict__.update(__path__=[], __package__=name)
            if file is not None:
                module.__dict__["__file__"] = file.name
                self._run(file, module.__dict__)
        return module

    def _file_at(self, path: str) -> File | None:
        return self._files.get(f"{path}/__init__.py") or self._files.get(f"{path}.py")

    def _exists(self, path: str) -> bool:
        if path in self._modules or self._file_at(path) is not None:
            return True
        return any(name.startswith(f"{path}/") and name.endswith(".py") for name in self._files)

    def _base_of(self, top: str, folder: str) -> str | None:
        """Return the folder in which a file called `top` is found, or None."""
        bases = [folder, "", *_folders_of(sys.path)]
        return next((base for base in bases if self._exists(_joined(base, top))), None)

    def _tell_of(self, top: str) -> None:
        if top not in self._told:
            self._told.add(top)
            owner = "Python's own library" if top in sys.stdlib_module_names else "a package"
            self._note(f"{top}.py is not imported: {top} is the name of a module of {owner}")

    def _not_found(self, top: str) -> ModuleNotFoundError:
        packages = ", ".join(self._packages)
        return ModuleNotFoundError(
            f"{top} is not among the packages the grader has ({packages}), "
            f"and no {top}.py was handed in",
            name=top,
        )

    def _instead(self, module: ModuleType, fromlist: Sequence[str]) -> Namespace:
        """Return what student code finds in place of a module's own names."""
        if module.__name__ == "importlib":
            return {"import_module": self._import_module, "reload": lambda module: module}
        if "get_ipython" in fromlist:
            return {"get_ipython": vars(self.builtins)["get_ipython"]}
        return {}

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        """Import as importlib.import_module does."""
        level = len(name) - len(name.lstrip("."))
        return self._import(name[level:], sys._getframe(1).f_globals, None, ("",), level)

    # What pickle asks

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find a module of the submission, for its own code alone."""
        is_own = self._exists(name.replace(".", "/"))
        if is_own and name.partition(".")[0] not in self._reserved and self._is_asked_by_it():
            return ModuleSpec(name, self)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module, which has run."""
        return self._own(spec.name, "", ("",))

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: see create_module."""

    def _is_asked_by_it(self) -> bool:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        return frame is not None and frame.f_builtins is vars(self.builtins)


def _with(module: ModuleType, instead: Namespace) -> ModuleType:
    """Return a module with other things by some of its names; the module itself stays."""
    if not instead:
        return module
    shown = ModuleType(module.__name__)
    shown.__dict__.update(vars(module), **instead)
    return shown


def _folder_of(namespace: Mapping[str, Any] | None) -> str:
    """Return the folder of the file whose code this namespace is."""
    name = (namespace or {}).get("__file__")
    return str(PurePosixPath(name).parent).removeprefix(".") if isinstance(name, str) else ""


def _folders_of(path: Sequence[object]) -> list[str]:
    """Return the folders of sys.path that may be among what was handed in: those below here."""
    folders = []
    for entry in path:
        if isinstance(entry, str) and entry:
            with suppress(ValueError):  # another drive's
                here = os.path.relpath(entry).replace(os.sep, "/")
                if not here.startswith(".."):
                    folders.append(here.removeprefix("."))
    return folders


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _selfcheck() -> ModuleType:
    """Return the self-check as a submission finds it: whoever grades it has checked it."""
    module = ModuleType(SELFCHECK)
    module.__dict__["check"] = lambda *args, **kwargs: None
    module.__dict__["main"] = lambda *args, **kwargs: 0
    return module
