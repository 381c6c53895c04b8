"""Talk through the abstract socket namespace, which no file permission guards."""
# INCLUDE honest

import socket


def steal():
    try:
        with open("/proc/net/unix") as file:
            names = [line.split()[-1] for line in file if "@" in line]
        return f"/proc/net/unix: {names[:20]}"
    except OSError:
        pass
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        try:
            listener = socket.socket(socket.AF_UNIX, kind)
            listener.bind("\0hostile_probe")
            caller = socket.socket(socket.AF_UNIX, kind)
            if kind != socket.SOCK_DGRAM:
                listener.listen()
            caller.connect("\0hostile_probe")
            return "reached an abstract socket"
        except OSError:
            pass
    return None


# INCLUDE report
