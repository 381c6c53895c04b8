"""Submitty, "Download all submissions" (Submitty/Submitty, site/app/controllers/MiscController.php,
downloadAssignedZips; Submitty/submitty.github.io, _docs/instructor/Directory-Structure.md).

`submissions/USER/VERSION/homework.py`, and `submissions/USER/user_assignment_settings.json`, which
has the active version, and when each version was handed in. The student chooses which version is
active, and only that one counts; 0 is none.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from grader.submissions import shown
from grader.submissions.layouts.common import (
    Layout,
    Names,
    Owner,
    absolute,
    folders_in,
    moment,
    read,
    shortened,
)

SYSTEM = "Submitty"
SETTINGS_FILE = "user_assignment_settings.json"
SETTINGS_BYTES = 1_000_000
SUBMISSIONS = "submissions"
CANCELLED = f"has no active version in {SYSTEM}: nothing of it is handed in"


def recognise(folder: Path, files: Names, folders: Names) -> Layout | None:
    """Return whose each active version is: of all users, or of one."""
    if SETTINGS_FILE in files:
        here = absolute(folder)
        return _layout(here.parent, [here.name])
    if SUBMISSIONS in folders:
        folder = folder / SUBMISSIONS
        folders = folders_in(folder)
    if not folders or not all((folder / name / SETTINGS_FILE).is_file() for name in folders):
        return None
    return _layout(folder, folders)


def _layout(folder: Path, users: Names) -> Layout:
    owners, remarks, problems = {}, [], {}
    for user in users:
        settings = _settings(folder / user / SETTINGS_FILE)
        versions = sorted(int(name) for name in folders_in(folder / user) if _is_version(name))
        active = settings.get("active_version")
        if not isinstance(active, int):
            active = max(versions, default=0)
            remarks.append(
                f"{shown(user)}: {SETTINGS_FILE} cannot be read, so version {active} is graded"
            )
        elif len(versions) > 1:
            remarks.append(
                f"{shown(user)}: {len(versions)} versions, the active one, {active}, is graded"
            )
        name = f"{user}/{active}" if active in versions else user
        if name == user:
            problems[name] = CANCELLED if not active else f"has no version {active}, the active one"
        owners[name] = (Owner(SYSTEM, user, user, moment(_time(settings, active))),)
    return Layout(folder, owners, {}, shortened(remarks), problems)


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10


def _settings(path: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        settings = json.loads(read(path, SETTINGS_BYTES))
        if isinstance(settings, Mapping):
            return settings
    return {}


def _time(settings: Mapping[str, Any], version: int) -> str:
    """Return when a version was handed in; it may have been made active again later."""
    history = settings.get("history")
    for event in history if isinstance(history, list) else []:
        if isinstance(event, Mapping) and event.get("version") == version:
            time = event.get("time")
            return time if isinstance(time, str) else ""
    return ""
