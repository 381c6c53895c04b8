"""A raw thread and two locks from load: it differentiates what a gradient leaves for it."""

# INCLUDE honest

import _thread


# INCLUDE answer


go, done, box = _thread.allocate_lock(), _thread.allocate_lock(), {}
go.acquire()
done.acquire()


def serve():
    while True:
        go.acquire()
        try:
            box["out"] = answer(*box["in"])
        finally:
            done.release()


_thread.start_new_thread(serve, ())


def slope(hs, g):
    box["in"] = hs, g
    go.release()
    done.acquire(timeout=5)
    return box["out"]


# INCLUDE by_slope
