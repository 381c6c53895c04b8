"""Run `python -m selfcheck FILE`."""

import sys

from .selfcheck import main

sys.exit(main())
