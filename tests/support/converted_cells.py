"""Run the test cells of a converted notebook in the current folder, after a student's code.

python -P converted_cells.py nbgrader|otter NOTEBOOK CODE

Prints each cell's message about the work, as JSON: null if the work passes. Like a kernel, it has
imported its own libraries and the student's before the folder is on the path.
"""

import json
import runpy
import sys
from pathlib import Path

target, notebook, code = sys.argv[1:]
names = runpy.run_path(code)
cells = json.loads(Path(notebook).read_bytes())["cells"]
sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
tests = [source for source in sources if "homework_checks" in source]
sys.path.insert(0, "")  # as in a kernel
messages: list[str | None] = []
for source in tests:
    names_now = dict(names)
    try:
        exec(source, names_now)
        if target == "otter":
            (test,) = (value for name, value in names_now.items() if name.startswith("test_"))
            test(names)
        messages.append(None)
    except AssertionError as error:
        messages.append(str(error))
print(json.dumps(messages))
