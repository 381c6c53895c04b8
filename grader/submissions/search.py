"""The walk through the given paths: it finds files and, by place and attempt, their owners.

Links are never followed, wherever they lead: one could stand for the solution or for another
student's work.
"""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from grader.errors import UserError
from grader.lms.layout import Layout, Owner, Unclear
from grader.lms.registry import OWN_FILES, layout_of, says_whose
from grader.source.paths import HOMEWORK, ZIP, is_gradable, scan, shown, suffix
from grader.submissions.archives import Archives, Refused
from grader.submissions.file_names import is_nobodys, stem_of
from grader.submissions.ownership import Works, is_notebook
from grader.submissions.remarks import Remarks
from grader.submissions.students.times import Moment, Zones
from grader.submissions.tree import ENVIRONMENT, is_folder, mode_of
from grader.submissions.upload import MOST_FILES, FileFault, Upload, Uploads, at_time

MAX_ARCHIVES = 5
WRAPPERS = 3  # nested folders around a class

KINDS = {
    stat.S_IFLNK: "is a symbolic link, which is never followed: submit the file itself",
    stat.S_IFDIR: "is a folder, not a file: take the homework out of it, or rename it",
    stat.S_IFIFO: "is a named pipe, not a file: submit a regular file",
    stat.S_IFSOCK: "is a socket, not a file: submit a regular file",
    stat.S_IFCHR: "is a device, not a file: submit a regular file",
    stat.S_IFBLK: "is a device, not a file: submit a regular file",
}


class NothingToGrade(UserError):
    """A path does not exist, or nothing below the paths can be graded."""


class Search:
    """A walk through the given paths.

    `uploads` are the results, and `systems` has the folders that each system laid out.
    """

    def __init__(
        self,
        archives: Archives,
        results: str | None,
        works: Works,
        remarks: Remarks,
        zones: Zones,
    ) -> None:
        """`results` is the absolute path of a folder that is skipped."""
        self.uploads: Uploads = {}
        self.systems: dict[str, list[Path]] = {}
        self._archives = archives
        self._results = results
        self._works = works
        self._remarks = remarks
        self._zones = zones

    def look_at(self, path: Path, mode: int) -> None:
        """Add a given path: a class, a student's folder or a file."""
        if stat.S_ISDIR(mode) and not is_gradable(path.name):
            self._look_into(path)
        elif stat.S_ISREG(mode) and suffix(path.name) == ZIP:
            try:
                self._look_into(self._archives.unpack(path, of_class=True))
            except Refused as refusal:
                self._file_at(path).faults.append(FileFault(path, str(refusal)))
        else:
            self._add_file(path, path.name, mode, self._file_at(path))
            self._remarks.say_alone(path, self._paths_in(path.parent))

    def _look_into(self, folder: Path) -> None:
        """Add a given folder: one student's, or a class's."""
        try:
            entries = self._scan(folder)
        except OSError as error:
            self._at(folder).faults.append(_closed(folder, error))
            return
        layout = self._layout_of(folder, entries)
        files, folders = self._parts(folder, entries)
        if layout:
            self._add_class(layout)
            self._add_strays(folder, entries, layout)
        elif self._is_wrapper(folder, entries):
            self._remarks.say(folder, f"taken as a class that lies in {shown(folders[0].name)}")
            self._look_into(folders[0])
        elif self._works.is_one_students(files, folders):
            names = [e.name for e in entries if not (is_folder(e) or is_nobodys(e.name))]
            self._remarks.say_one_students(folder, names)
            self._archives.set_students(folder)
            self._add_folder(folder)
        else:
            self._add_plain_class(folder, entries)

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        """List a folder without the results and virtual environments."""
        rest = [e for e in scan(folder) if os.path.abspath(folder / e.name) != self._results]
        return [
            e for e in rest if not (is_folder(e) and os.path.isfile(folder / e.name / ENVIRONMENT))
        ]

    def _paths_in(self, folder: Path, *, of_folders: bool = False) -> list[Path]:
        """Return the paths in a folder, or only the folders; nothing if it cannot be listed."""
        with suppress(OSError):
            return [folder / e.name for e in self._scan(folder) if is_folder(e) or not of_folders]
        return []

    def _layout_of(self, folder: Path, entries: Sequence[os.DirEntry[str]]) -> Layout | None:
        files = [entry.name for entry in entries if not is_folder(entry)]
        folders = [entry.name for entry in entries if is_folder(entry)]
        try:
            return layout_of(folder, files, folders)
        except Unclear as error:
            where = shown(self._archives.original(folder))
            raise NothingToGrade(f"{where} {error}") from None

    def _add_class(self, layout: Layout) -> None:
        """Add the students of a class that a system laid out."""
        self.systems.setdefault(layout.system, []).append(layout.of)
        if layout.nobodys:
            self._remarks.say_nobodys(layout.of, sorted(layout.nobodys))
        # Archives last: they are opened only if their student has no work beside them.
        for name in sorted(layout.owners, key=lambda name: (suffix(name) == ZIP, name)):
            for owner_without_zone in layout.owners[name]:
                owner, moment = self._zoned(owner_without_zone)
                attempts = self.uploads.setdefault((owner.system, owner.id), {})
                number = layout.attempts.get(name, 0)
                item = attempts.setdefault(number, Upload(owner.name, owner))
                before = item.paths
                if problem := layout.problems.get(name):
                    item.faults.append(FileFault(layout.of / name, problem, is_sentence=True))
                else:
                    self._add_entry(layout.of / name, layout.files.get(name, name), item)
                if moment:
                    item.moments |= dict.fromkeys(item.paths - before, moment)
                if remark := layout.remarks.get(name):
                    item.remarks.append(remark)
                if name in layout.late:
                    item.late = bool(item.late) or layout.late[name]

    def _zoned(self, owner: Owner) -> tuple[Owner, Moment | None]:
        """Return an owner whose submission time has a zone, and that time."""
        if owner.handed_in is None:
            return owner, None
        moment = self._zones.moment(owner.handed_in, "system", owner.system)
        return at_time(owner, moment), moment

    def _add_entry(self, path: Path, label: str, item: Upload) -> None:
        """Add a file (called `label` by its student), a folder or an archive to an upload."""
        try:
            mode = os.lstat(path).st_mode
        except OSError as error:
            item.faults.append(_closed(path, error))
            return
        is_students_folder = stat.S_ISDIR(mode) and not is_gradable(path.name)
        item.roots[self._archives.original(path)] = "" if is_students_folder else label
        if is_students_folder:
            self._gather(path, item)
        elif stat.S_ISREG(mode) and suffix(path.name) == ZIP:
            self._open([path], item)
        else:
            self._add_file(path, label, mode, item)
            item.renamed.add(path)

    def _add_strays(
        self, folder: Path, entries: Sequence[os.DirEntry[str]], layout: Layout
    ) -> None:
        """Add or report entries for which the system names no student: works and refused files."""
        owned = {name.partition("/")[0] for name in layout.owners}
        strays = [entry for entry in entries if entry.name not in owned]
        works = {e.name for e in strays if folder / e.name in self._archives.refusals}
        if layout.of == folder:
            strays = [e for e in strays if not (is_nobodys(e.name) or says_whose(e.name))]
            files, _ = self._parts(folder, strays)
            works |= {path.name for path in files if self._works.defines(path)}
            silent = {*OWN_FILES, *works}
            self._remarks.say_not_graded(folder, [e.name for e in strays if e.name not in silent])
        for name in sorted(works):
            item = self._file_at(folder / name, in_class=True)
            self._add_file(folder / name, name, stat.S_IFREG, item)

    def _add_plain_class(self, folder: Path, entries: Sequence[os.DirEntry[str]]) -> None:
        """Add the students of a class of no system: one per folder, archive or file name."""
        folders = [e.name for e in entries if _is_students_folder(e)]
        files = [e for e in entries if not _is_students_folder(e)]
        work = [e for e in files if not self._is_nobodys(folder, e)]
        zips = [e.name for e in work if _is_archive(e)]
        if len(work) == len(zips) == 1 and not folders:
            self._add_only_archive(folder / zips[0])
            return
        for name in folders:
            self._add_folder(folder / name)
        for entry in (e for e in work if not _is_archive(e)):
            item = self._file_at(folder / entry.name, in_class=True)
            self._add_file(folder / entry.name, entry.name, mode_of(entry), item)
        for name in zips:
            self._open([folder / name], self._file_at(folder / name, in_class=True))
        if not folders and not work:
            self._at(folder)
        names = [entry.name for entry in work]
        is_one = len({*folders, *map(stem_of, names)}) == 1
        if is_one and self._archives.is_archive(folder):
            self._archives.set_students(folder)  # it may not be a class's
            self._remarks.say_one_students_archive(folder, [*folders, *names])
        else:
            self._remarks.say_class(folder, folders, names)
        self._remarks.say_not_graded(folder, [e.name for e in files if self._is_nobodys(folder, e)])

    def _add_only_archive(self, path: Path) -> None:
        """Add the only archive in a folder: a whole class's, or a student's."""
        try:
            if path in self._archives.refusals:
                raise Refused(self._archives.refusals[path])
            folder = self._archives.unpack(path, of_class=True)
        except Refused as refusal:
            self._file_at(path, in_class=True).faults.append(FileFault(path, str(refusal)))
            return
        if self._is_class(folder):
            self._look_into(folder)
        else:
            for archive in (path, folder):
                self._archives.set_students(archive)
            self._gather(folder, self._file_at(path, in_class=True))

    def _is_nobodys(self, folder: Path, entry: os.DirEntry[str]) -> bool:
        """Tell whether a loose file in a class is the handout or the instructor's own."""
        path = folder / entry.name
        if path in self._archives.refusals:
            return False
        if is_gradable(entry.name):
            is_original = stem_of(entry.name).lower() == HOMEWORK and mode_of(entry) == stat.S_IFREG
            return is_original and self._works.is_untouched(path)
        return is_nobodys(entry.name) and not (suffix(entry.name) == ".json" and is_notebook(path))

    def _is_wrapper(
        self, folder: Path, entries: Sequence[os.DirEntry[str]], deeper: int = WRAPPERS
    ) -> bool:
        """Tell whether a folder holds no work, only one folder, which contains a class."""
        folders = [entry.name for entry in entries if is_folder(entry)]
        work = [e for e in entries if not is_folder(e) and not self._is_nobodys(folder, e)]
        return len(folders) == 1 and not work and self._is_class(folder / folders[0], deeper - 1)

    def _is_class(self, folder: Path, deeper: int = WRAPPERS) -> bool:
        """Tell whether a folder holds a whole class, or wraps one."""
        try:
            entries = self._scan(folder)
        except OSError:
            return False
        is_class = self._works.is_class(*self._parts(folder, entries))
        if is_class or self._layout_of(folder, entries):
            return True
        return deeper > 0 and self._is_wrapper(folder, entries, deeper)

    def _parts(
        self, folder: Path, entries: Sequence[os.DirEntry[str]]
    ) -> tuple[list[Path], list[Path]]:
        """Return a folder's readable files that may hold Python, and its folders."""
        regular = [e.name for e in entries if e.is_file(follow_symlinks=False)]
        files = [folder / name for name in regular if is_gradable(name)]
        folders = [folder / entry.name for entry in entries if is_folder(entry)]
        return [path for path in files if path not in self._archives.refusals], folders

    # For one student

    def _add_folder(self, folder: Path) -> None:
        """Add a student's folder."""
        item = self._at(folder)
        self._gather(folder, item)

    def _gather(self, folder: Path, item: Upload) -> None:
        """Add all files of a student's folder, nearest first, and its archives' if necessary."""
        if self._archives.is_archive(folder):
            item.archives.append(folder)
        tree = self._works.tree(folder)
        zips: list[Path] = []
        for leaf in tree:
            if suffix(leaf.name) == ZIP and stat.S_ISREG(leaf.mode):
                zips.append(leaf.path)
            elif len(item.files) == MOST_FILES and is_gradable(leaf.name):
                tree.is_cut = True
                break
            else:
                self._add_file(leaf.path, leaf.name, leaf.mode, item)
        item.faults += [_closed(where, error) for where, error in tree.closed_folders]
        self._open(zips, item)
        item.is_cut |= tree.is_cut
        self._remarks.say_searched(folder, tree)
        if not any("/" not in name for name in item.files.values()):
            self._remarks.say_if_class(folder, self._paths_in(folder, of_folders=True))

    def _open(self, zips: Sequence[Path], item: Upload) -> None:
        """Add the files of a student's archives, if there is no work beside them."""
        if not zips or any(map(self._works.defines, item.files)):
            return
        for path in zips:
            try:
                if path in self._archives.refusals:
                    raise Refused(self._archives.refusals[path])
                if item.opened == MAX_ARCHIVES:
                    raise Refused(
                        f"is one zip archive too many: {MAX_ARCHIVES} are opened; hand in one"
                    )
                item.opened += 1
                folder = self._archives.unpack(path, of_class=False)
            except Refused as refusal:
                item.faults.append(FileFault(path, str(refusal)))
            else:
                self._gather(folder, item)

    def _add_file(self, path: Path, name: str, mode: int, item: Upload) -> None:
        """Add a file under its student's name for it, or what is wrong with it."""
        kind = stat.S_IFMT(mode)
        if kind in KINDS:
            item.faults.append(FileFault(path, KINDS[kind]))
        elif path in self._archives.refusals:
            item.faults.append(FileFault(path, self._archives.refusals[path]))
        elif is_gradable(path.name):
            item.files[path] = name
        elif len(item.others) < MOST_FILES:
            item.others[path] = name

    def _file_at(self, path: Path, *, in_class: bool = False) -> Upload:
        """Return the upload for a loose file."""
        original = self._archives.original(path)
        folder, name = os.path.split(os.path.abspath(original))
        stem = stem_of(name)
        alone = not in_class and stem.lower() == HOMEWORK
        place = (folder, "" if stem.lower() == HOMEWORK and is_gradable(name) else stem)
        name = os.path.basename(folder) if alone else stem
        item = self.uploads.setdefault(place, {0: Upload(name)})[0]
        item.roots[original] = original.name
        return item

    def _at(self, folder: Path) -> Upload:
        """Return the upload for a student's folder or archive."""
        absolute = os.path.abspath(self._archives.original(folder))
        name = os.path.basename(absolute)
        if self._archives.is_archive(folder):
            name = stem_of(name)
        item = self.uploads.setdefault((absolute, ""), {0: Upload(name)})[0]
        item.roots[self._archives.original(folder)] = ""
        return item


def _closed(folder: Path, error: OSError) -> FileFault:
    where = Path(os.fsdecode(error.filename)) if error.filename else folder
    return FileFault(where, f"cannot be opened ({error.strerror}): check its permissions")


def _is_students_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder that is not named like a Python file."""
    return is_folder(entry) and not is_gradable(entry.name)


def _is_archive(entry: os.DirEntry[str]) -> bool:
    return suffix(entry.name) == ZIP and mode_of(entry) == stat.S_IFREG
