"""Submitty, "Download all submissions" (Submitty/Submitty, site/app/controllers/MiscController.php,
downloadAssignedZips; Submitty/submitty.github.io, _docs/instructor/Directory-Structure.md).

`submissions/USER/VERSION/homework.py`, and `submissions/USER/user_assignment_settings.json`, with
the active version and the time of each version. The student chooses the active version, and only
that one counts; 0 means none. If the file is missing, as in old releases, the newest version counts
(Submitty/Lichen, bin/concatenate_all.py).
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from grader.lms.files import FileNames, absolute, folders_in, listed, read
from grader.lms.layout import Layout, Owner
from grader.lms.moments import moment
from grader.lms.system import System

NAME = "Submitty"
SETTINGS_FILE = "user_assignment_settings.json"
SETTINGS_BYTES = 1_000_000
SUBMISSIONS = "submissions"
CANCELLED = f"no version is active in {NAME}: nothing is handed in"
NO_VERSION = f"the version that is active in {NAME} is not in the download: download it again"


def recognise(folder: Path, files: FileNames, folders: FileNames) -> Layout | None:
    """Return the owner of each active version: of all users, or of one."""
    if SETTINGS_FILE in files:
        here = absolute(folder)
        return _layout(here.parent, [here.name])
    if SUBMISSIONS in folders:
        folder = folder / SUBMISSIONS
        folders = folders_in(folder)
    if not folders or not all(_is_users(folder / name) for name in folders):
        return None
    with_settings = any((folder / name / SETTINGS_FILE).is_file() for name in folders)
    return _layout(folder, folders) if with_settings else None


def _is_users(folder: Path) -> bool:
    """Tell whether a folder has a user's settings, or only versions."""
    names = listed(folder)
    return SETTINGS_FILE in names or (bool(names) and all(map(_is_version, names)))


def _layout(folder: Path, users: FileNames) -> Layout:
    owners, remarks, problems = {}, {}, {}
    for user in users:
        settings = _settings(folder / user / SETTINGS_FILE)
        versions = {int(name) for name in folders_in(folder / user) if _is_version(name)}
        kind, number = "active", settings.get("active_version")
        if type(number) is not int:
            kind, number = "newest", max(versions, default=-1)
        name = f"{user}/{number}" if number in versions else user
        if number not in versions:
            problems[name] = NO_VERSION if number else CANCELLED
        elif len(versions) > 1:
            remarks[name] = f"{len(versions)} versions, the {kind} one, {number}, is graded"
        owners[name] = (Owner(NAME, user, user, moment(_time(settings, number))),)
    return Layout(folder, owners, {}, remarks=remarks, problems=problems)


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10


def _settings(path: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        settings = json.loads(read(path, SETTINGS_BYTES))
        if isinstance(settings, Mapping):
            return settings
    return {}


def _time(settings: Mapping[str, Any], version: int) -> str:
    """Return when a version was handed in, even if it was activated again later."""
    history = settings.get("history")
    for event in history if isinstance(history, list) else []:
        if isinstance(event, Mapping) and event.get("version") == version:
            time = event.get("time")
            return time if isinstance(time, str) else ""
    return ""


SYSTEM = System(NAME, recognise, read_files=[SETTINGS_FILE], students_files=[SETTINGS_FILE])
