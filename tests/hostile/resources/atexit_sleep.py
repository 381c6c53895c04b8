"""Sleep for an hour when the process ends, in every way there is."""
# INCLUDE honest

import atexit
import threading
import time

atexit.register(time.sleep, 3600)
threading._register_atexit(time.sleep, 3600)
threading.Thread(target=time.sleep, args=(3600,)).start()
