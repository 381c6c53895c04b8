"""Import a module that never ends importing."""
# INCLUDE honest

import sys
import time


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "slow_module":
            while True:
                time.sleep(1000)


sys.meta_path.insert(0, Finder)
import slow_module
