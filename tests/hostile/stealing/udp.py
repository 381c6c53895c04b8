"""Send datagrams on loopback: plain, raw and packet sockets."""
# INCLUDE honest

import socket


def steal():
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            receiver = socket.socket(family, socket.SOCK_DGRAM)
            receiver.bind((host, 0))
            sender = socket.socket(family, socket.SOCK_DGRAM)
            sent = sender.sendto(b"homework", receiver.getsockname())
            return f"sent {sent} bytes by UDP"
        except OSError:
            pass
    kinds = [(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)]
    kinds += [(socket.AF_PACKET, socket.SOCK_RAW, 0), (socket.AF_NETLINK, socket.SOCK_RAW, 0)]
    for kind in kinds:
        try:
            socket.socket(*kind).close()
            return f"opened a socket of {kind}"
        except OSError:
            pass
    return None


# INCLUDE report
