"""Leave and find messages in memory that outlives the process: POSIX and System V."""
# INCLUDE honest

import ctypes
import os
from multiprocessing import shared_memory

libc = ctypes.CDLL(None)


def steal():
    try:
        return f"/dev/shm: {os.listdir('/dev/shm')}"
    except OSError:
        pass
    try:
        shared = shared_memory.SharedMemory("hostile_probe", create=True, size=64)
        shared.close()
        shared.unlink()
        return "made POSIX shared memory"
    except OSError:
        pass
    PRIVATE, CREATE, REMOVE = 0, 0o1600, 0
    segment = libc.shmget(PRIVATE, ctypes.c_size_t(4096), CREATE)
    if segment >= 0:
        libc.shmctl(segment, REMOVE, None)
        return "made System V shared memory"
    queue = libc.msgget(PRIVATE, CREATE)
    if queue >= 0:
        libc.msgctl(queue, REMOVE, None)
        return "made a System V queue"
    semaphores = libc.semget(PRIVATE, 1, CREATE)
    if semaphores >= 0:
        libc.semctl(semaphores, 0, REMOVE)
        return "made System V semaphores"
    queue = libc.mq_open(b"/hostile_probe", os.O_CREAT | os.O_RDWR, 0o600, None)
    if queue >= 0:
        libc.mq_unlink(b"/hostile_probe")
        os.close(queue)
        return "made a POSIX queue"
    return None


# INCLUDE report
