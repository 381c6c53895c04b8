"""Send a name, and what is hidden in it, to a resolver on this machine."""
# INCLUDE honest

import socket

QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\7answers\7invalid\0\0\1\0\1"


def steal():
    for resolver in ("127.0.0.1", "127.0.0.53"):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            try:
                with socket.socket(socket.AF_INET, kind) as caller:
                    caller.settimeout(0.5)
                    if kind == socket.SOCK_DGRAM:
                        caller.sendto(QUERY, (resolver, 53))
                    elif caller.connect_ex((resolver, 53)) not in (0, 111):
                        continue
                    return f"asked {resolver}"
            except OSError:
                pass
    try:
        with open("/etc/resolv.conf") as file:
            return f"resolvers: {file.read(100)!r}"
    except OSError:
        pass
    return None


# INCLUDE report
