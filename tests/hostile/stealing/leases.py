"""Hold Python's modules back from other submissions: leases, notices and locks on what all read."""
# INCLUDE honest

import fcntl
import glob
import os


def steal():
    for path in sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py"))[:40]:
        descriptor = os.open(path, os.O_RDONLY)
        for command, argument in (
            (fcntl.F_SETLEASE, fcntl.F_WRLCK),
            (fcntl.F_SETLEASE, fcntl.F_RDLCK),
            (fcntl.F_SETOWN, os.getpid()),
            (fcntl.F_SETSIG, 10),
        ):
            try:
                fcntl.fcntl(descriptor, command, argument)
                return f"fcntl {command} on {path}"
            except OSError:
                pass
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return f"locked {path}"
        except OSError:
            pass
        os.close(descriptor)
    return None


# INCLUDE report
