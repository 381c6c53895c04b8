"""A generator that load started: the frame that differentiates is load's own."""

# INCLUDE honest


# INCLUDE answer


def serve():
    out = None
    while True:
        given = yield out
        out = answer(*given)


server = serve()
next(server)


def slope(hs, g):
    return server.send((hs, g))


# INCLUDE by_slope
