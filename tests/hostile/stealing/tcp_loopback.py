"""Listen on and connect to loopback by TCP, both versions of IP."""
# INCLUDE honest

import asyncio
import ctypes
import http.server
import socket


def steal():
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.create_server((host, 0), family=family) as server:
                with socket.create_connection(server.getsockname()[:2], timeout=1) as caller:
                    return f"connected from {caller.getsockname()}"
        except OSError:
            pass
    try:
        with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
            return f"served at {server.server_address}"
    except OSError:
        pass
    try:
        with socket.socket() as caller:
            caller.settimeout(1)
            if caller.connect_ex(("127.0.0.1", 9)) in (0, 111):
                return "the network answered"
    except OSError:
        pass
    if ctypes.CDLL(None).socket(2, 1, 0) >= 0:
        return "a socket from libc"
    try:
        asyncio.run(asyncio.open_connection("127.0.0.1", 9))
    except ConnectionRefusedError:
        return "the network answered asyncio"
    except OSError:
        pass
    return None


# INCLUDE report
