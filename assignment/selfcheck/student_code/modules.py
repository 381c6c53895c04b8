"""Let the files of a submission import each other, from memory.

Each of their modules has builtins with its own `__import__`. A name is looked up in this order:
Python's library and the allowed packages; a file beside the importing one, at the top of the
submission, in the current folder or in an entry of sys.path; the only file of that name elsewhere
in the submission. Other installed packages are not found. Imports by other code are not affected.
"""

import builtins
import posixpath
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import PurePosixPath
from types import FrameType, ModuleType
from typing import Any

from ..source.files import File, far_away
from .folder import Folder, text_of
from .plots import show_nothing

Namespace = dict[str, Any]
# Other top-level modules that the packages install.
PARTS = {"matplotlib": ("mpl_toolkits", "pylab"), "torch": ("functorch",)}
SELFCHECK = "selfcheck"
DRAWING = ("matplotlib", "pylab")
BUILTINS = "builtins"
_import = builtins.__import__


def reserved_names(packages: Collection[str]) -> set[str]:
    """Return the top-level names of the modules of Python's library and of the packages."""
    parts = (part for name in packages for part in PARTS.get(name, ()))
    return {*sys.stdlib_module_names, *packages, *parts}


class Modules:
    """The files of a submission as modules; `run` runs a file in a module's namespace.

    `note` is called once per file that is not imported since another module has its name, and
    `on_write` per file that the submission wrote. Files in `folder` count as they are now.
    """

    def __init__(
        self,
        files: Iterable[File],
        folder: Folder,
        packages: Collection[str],
        run: Callable[[File, Namespace], None],
        note: Callable[[str], None],
        on_write: Callable[[File], None],
    ) -> None:
        self._files = {file.name: file for file in files}
        self.folder = folder
        self._packages = packages
        self._reserved_names = reserved_names(packages)
        self._run = run
        self._note = note
        self._on_write = on_write
        self._reports: set[str] = set()
        self._modules: dict[str, ModuleType] = {}  # by path, without a suffix
        # Our entries in sys.modules by name, each with the module that had the name before.
        self._entries: dict[str, tuple[ModuleType, ModuleType | None]] = {}
        self.builtins = ModuleType(BUILTINS)
        self.builtins.__dict__.update(vars(builtins), __import__=self._import)

    def install(self) -> None:
        """Let pickle find the modules too; those of an earlier submission are removed."""
        for finder in sys.meta_path[:]:
            if isinstance(finder, Modules):
                finder.uninstall()
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Remove all traces of the submission from the process's own tables."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name, (module, before) in self._entries.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
                if before is not None:
                    sys.modules[name] = before

    def enter(self, path: str, name: str) -> ModuleType:
        """Create the module called `name` for the file at `path`, without running the file yet."""
        module = ModuleType(name)
        self._modules[path] = module
        if name not in sys.modules or name in ("__main__", "homework"):
            self._entries[name] = module, sys.modules.get(name)
            sys.modules[name] = module
        module.__dict__["__builtins__"] = self.builtins
        module.__dict__["__package__"] = name.rpartition(".")[0]
        return module

    def add(self, file: File) -> None:
        """Add a file that the submission wrote itself; it replaces one of the same name."""
        self._files[file.name] = file
        self._on_write(file)

    def find(self, name: str, folder: str) -> File | None:
        """Return the file called `name`: from here, beside the files in `folder`, or at the top."""
        near = [posixpath.normpath(posixpath.join(base, name)) for base in (folder, "")]
        for path in (self.folder.name_of(name), *near):
            if path is not None and (file := self.file(path)):
                return file
        return None

    def file(self, name: str) -> File | None:
        """Return a file as it is now, since the submission may have written it or changed it."""
        file = self._files.get(name)
        if file is not None and file.kind == "notebook":
            return file
        now = self.folder.read(name)
        if now is None or (file is not None and text_of(file) == text_of(now)):
            return file
        self.add(now)
        return now

    def run_file(self, file: File, name: str, variables: Mapping[str, Any]) -> Namespace:
        """Run a file on its own, with some `variables`; return all its names."""
        namespace: Namespace = {**variables, "__name__": name}
        self._run_as(file, namespace)
        return namespace

    def _run_as(self, file: File, namespace: Namespace) -> None:
        namespace["__file__"] = self.folder.path_of(file.name)
        namespace["__builtins__"] = self.builtins
        self._run(file, namespace)

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
        folder = self.folder.beside((globals or {}).get("__file__"))
        if level:
            return self._relative(name, folder, fromlist or (), level)
        top = name.partition(".")[0]
        if top == SELFCHECK:
            return _selfcheck()
        if top == BUILTINS:
            return self.builtins
        base = self._base_of(top, folder)
        if top in self._reserved_names:
            if base is not None:
                self._tell_of(top)
            module = _import(name, globals, locals, fromlist or (), 0)
            if top in DRAWING:
                show_nothing()
            return _with(module, self._instead(module, fromlist or ()))
        base = self._far_base_of(name) if base is None else base
        if base is None:
            own_module = next((m for p, m in self._modules.items() if m.__name__ == name), None)
            if own_module is None:
                raise self._not_found(top)
            return own_module
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
        """Import a.b.c below a folder; return c if names are imported from it, else a."""
        path, dotted_name = base, ""
        module: ModuleType | None = None
        first: ModuleType | None = None
        for part in name.split("."):
            path = _joined(path, part)
            dotted_name = f"{dotted_name}.{part}" if dotted_name else part
            if not self._exists(path):
                raise ModuleNotFoundError(f"no {path}.py was found", name=dotted_name)
            parent, module = module, self._module_at(path, dotted_name)
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
        file = self._file_at(path)
        if file is not None and file is self._files.get(f"{path}.py"):
            return  # a plain module has none
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
                self._run_as(file, module.__dict__)
        return module

    def _file_at(self, path: str) -> File | None:
        return self.file(f"{path}/__init__.py") or self.file(f"{path}.py")

    def _exists(self, path: str) -> bool:
        if path in self._modules or self._file_at(path) is not None:
            return True
        return any(name.startswith(f"{path}/") and name.endswith(".py") for name in self._files)

    def _base_of(self, top: str, folder: str) -> str | None:
        """Return the folder in which a file called `top` is found, or None."""
        entries = [self.folder.name_of(entry) for entry in (".", *sys.path) if _is_text(entry)]
        bases = [folder, "", *entries]
        is_there = (b for b in bases if b is not None and self._exists(_joined(b, top)))
        return next(is_there, None)

    def _far_base_of(self, name: str) -> str | None:
        """Return the folder from which a module is found unambiguously, or None."""
        for dotted_name in (name, name.partition(".")[0]):
            far = far_away(dotted_name, list(self._files))
            if far is not None:
                inner = dotted_name.replace(".", "/")
                if not f"/{far}".endswith((f"/{inner}.py", f"/{inner}/__init__.py")):
                    alias = _joined(posixpath.dirname(far), f"{inner}.py")
                    self._files[alias] = self._files[far]
                    far = alias
                path = far.removesuffix("/__init__.py").removesuffix(".py")
                return path.removesuffix(inner).removesuffix("/")
        return None

    def _tell_of(self, top: str) -> None:
        if top not in self._reports:
            self._reports.add(top)
            owner = "Python's own library" if top in sys.stdlib_module_names else "a package"
            self._note(f"{top}.py is not imported: {top} is the name of a module of {owner}")

    def _not_found(self, top: str) -> ModuleNotFoundError:
        packages = ", ".join(self._packages)
        return ModuleNotFoundError(
            f"{top} is not among the packages the grader has ({packages}), "
            f"and no {top}.py was found beside it",
            name=top,
        )

    def _instead(self, module: ModuleType, fromlist: Sequence[str]) -> Namespace:
        """Return what student code sees in place of a module's own names."""
        if "get_ipython" in fromlist:
            return {"get_ipython": vars(self.builtins)["get_ipython"]}
        return self._replaced(module.__name__)

    def _replaced(self, name: str) -> Namespace:
        if name == "importlib":
            inner = {
                part: _with(sys.modules[whole], self._replaced(whole))
                for part in ("util", "machinery")
                if (whole := f"importlib.{part}") in sys.modules
            }
            return {"import_module": self._import_module, "reload": self._reload, **inner}
        if name == "importlib.util":
            return {"spec_from_file_location": self._spec_from}
        if name == "importlib.machinery":
            return {"SourceFileLoader": partial(Loader, self)}
        if name == "runpy":
            return {"run_path": self._run_path}
        return {}

    def run_at(self, path: object, namespace: Namespace) -> None:
        """Run the file that a path leads to from the current folder, in a namespace."""
        self._run_as(self._file_to(path), namespace)

    def _file_to(self, path: object) -> File:
        name = self.folder.name_of(str(path))
        file = None if name is None else self.file(name)
        if file is None or file.kind == "notebook":
            raise FileNotFoundError(f"no {PurePosixPath(str(path)).name} was found")
        return file

    def _run_path(
        self, path: object, init_globals: Namespace | None = None, run_name: str | None = None
    ) -> Namespace:
        """Run a file as runpy.run_path does."""
        return self.run_file(self._file_to(path), run_name or "<run_path>", init_globals or {})

    def _spec_from(self, name: str, path: object, **rest: object) -> ModuleSpec:
        """Return a spec as importlib.util.spec_from_file_location does."""
        return ModuleSpec(name, Loader(self, name, path))  # type: ignore[arg-type]

    def _reload(self, module: ModuleType) -> ModuleType:
        """Run a module's file again in its namespace, as importlib.reload does."""
        path = next((path for path, own in self._modules.items() if own is module), None)
        file = None if path is None else self._file_at(path)
        if file is not None:
            self._run_as(file, module.__dict__)
        return module

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        """Import as importlib.import_module does."""
        level = len(name) - len(name.lstrip("."))
        return self._import(name[level:], sys._getframe(1).f_globals, None, ("",), level)

    # What pickle needs

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find a module of the submission, but only for the submission's own code."""
        is_own = self._exists(name.replace(".", "/"))
        if is_own and name.partition(".")[0] not in self._reserved_names and self._is_asked_by_it():
            return ModuleSpec(name, self)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that has already run."""
        return self._own(spec.name, "", ("",))

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: see create_module."""

    def _is_asked_by_it(self) -> bool:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        return frame is not None and frame.f_builtins is vars(self.builtins)


class Loader:
    """Loads a file of the submission, like a loader of importlib's."""

    def __init__(self, modules: Modules, fullname: str, path: object) -> None:
        self._modules = modules
        self._path = path
        self.name = fullname

    def create_module(self, spec: ModuleSpec) -> None:
        """Let importlib make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the file in the module."""
        self._modules.run_at(self._path, module.__dict__)

    def load_module(self) -> ModuleType:
        """Return a module in which the file has run."""
        module = ModuleType(self.name)
        self.exec_module(module)
        return module


def _with(module: ModuleType, instead: Namespace) -> ModuleType:
    """Return a copy of a module with some of its names replaced; the module itself is unchanged."""
    if not instead:
        return module
    copy = ModuleType(module.__name__)
    copy.__dict__.update(vars(module), **instead)
    return copy


def _is_text(entry: object) -> bool:
    return isinstance(entry, str) and bool(entry)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _selfcheck() -> ModuleType:
    """Return a self-check that does nothing: whoever grades the submission has checked it."""
    module = ModuleType(SELFCHECK)
    module.__dict__["check"] = lambda *args, **kwargs: None
    module.__dict__["main"] = lambda *args, **kwargs: 0
    return module
