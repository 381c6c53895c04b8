"""Read caches and keys in the real home folder; leave code where the next run would import it."""
# INCLUDE honest

import os
import pwd
import site
import sys


def homes():
    yield from ("/root", os.path.expanduser("~"))
    try:
        yield pwd.getpwuid(os.getuid()).pw_dir
    except (KeyError, OSError):
        pass


def steal():
    own = os.path.realpath(".")
    for home in homes():
        for name in (".cache/pip", ".cache", ".config", ".ssh", ".netrc", ".bash_history", ".local", "."):
            path = os.path.join(home, name)
            if os.path.realpath(path).startswith(own):
                continue
            try:
                with open(path) as file:
                    return f"{path}: {file.read(100)!r}"
            except OSError:
                pass
            try:
                return f"{path}: {os.listdir(path)[:20]}"
            except OSError:
                pass
    for folder in (*sys.path, *site.getsitepackages(), os.path.dirname(torch.__file__)):
        path = os.path.join(folder, "hostile_probe.pth")
        if os.path.realpath(folder).startswith(own) or not folder:
            continue
        try:
            with open(path, "w") as file:
                file.write("# would be imported at the next start")
            os.unlink(path)
            return f"wrote {path}"
        except OSError:
            pass
    return None


# INCLUDE report
