"""What is read from a submitted file: real bytes in, Python or one clear line out."""
# ruff: noqa: RUF001  (Chinese has its own colon)

import codecs
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, read_file
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from times import effort

from grader.source.read import Source, SourceCell, TextCell, Unreadable

LIMIT = 2**20
CODE = "x = 1\n"


@pytest.fixture
def read_bytes(tmp_path):
    def read_one(data: bytes, name: str = "homework.py", limit: int = LIMIT) -> Source:
        path = tmp_path / name
        path.write_bytes(data)
        return read_file(path, limit)

    return read_one


def code(source: str | list[str] = CODE, **more: object) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], **more}


def markdown(source: str = "x = 2") -> dict:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def notebook(*cells: object, **more: object) -> dict:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def module(text: str) -> tuple[str, list[str]]:
    return "module", [text]


def cells(*texts: str) -> tuple[str, list[str]]:
    return "notebook", list(texts)


def simplified(source: Source) -> tuple[str, list[str]]:
    return source.kind, [cell.source for cell in source.cells]


# Bytes that are read

CHINESE = "# 前向传播：隐藏层的输出\ndef forward(x, params):\n    return hs, y_pred  # 返回\n"
TRADITIONAL = "# 前向傳播：隱藏層的輸出\ndef forward(x, params):\n    return hs, y_pred  # 回傳\n"

MODULES = {
    "plain": (CODE.encode(), CODE),
    "no_last_newline": (b"x = 1", "x = 1"),
    "crlf": (b"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
    "cr": (b"x = 1\ry = 2\r", "x = 1\ny = 2\n"),
    "bom": (codecs.BOM_UTF8 + CODE.encode(), CODE),
    "two_boms": (codecs.BOM_UTF8 * 2 + CODE.encode(), CODE),
    "bom_and_gbk_cookie": (codecs.BOM_UTF8 + b"# coding: gbk\nx = 1\n", "# coding: gbk\nx = 1\n"),
    "bom_before_gbk": (codecs.BOM_UTF8 + CHINESE.encode("gbk"), CHINESE),
    "utf8": (CHINESE.encode(), CHINESE),
    "latin1_cookie": ("# coding: latin-1\n# é\n".encode("latin-1"), "# coding: latin-1\n# é\n"),
    "koi8_cookie": ("# vim: set fileencoding=koi8-r :\n# Ж\n".encode("koi8-r"),
                    "# vim: set fileencoding=koi8-r :\n# Ж\n"),
    "gbk_cookie": (f"# -*- coding: gbk -*-\n{CHINESE}".encode("gbk"),
                   f"# -*- coding: gbk -*-\n{CHINESE}"),
    "cookie_in_line_2": ("#!/usr/bin/python\n# coding=big5\n# 梯度\n".encode("big5"),
                         "#!/usr/bin/python\n# coding=big5\n# 梯度\n"),
    "cookie_says_utf8_is_gbk": (f"# coding: utf-8\n{CHINESE}".encode("gbk"),
                                f"# coding: utf-8\n{CHINESE}"),
    "cookie_says_ascii_is_utf8": (f"# coding: ascii\n{CHINESE}".encode(),
                                  f"# coding: ascii\n{CHINESE}"),
    "cookie_unknown": (f"# coding: klingon\n{CHINESE}".encode(), f"# coding: klingon\n{CHINESE}"),
    "cookie_no_text": (b"# coding: zlib\nx = 1\n", "# coding: zlib\nx = 1\n"),
    "cookie_rot13": (b"# coding: rot13\nx = 1\n", "# coding: rot13\nx = 1\n"),
    "cookie_utf16": (b"# coding: utf-16\nx = 12\n", "# coding: utf-16\nx = 12\n"),
    "cookie_hides_code": (b"# coding: unicode_escape\n# \\u000ax = 1\n",
                          "# coding: unicode_escape\n# \\u000ax = 1\n"),
    "cookie_quadratic": (b"# coding: punycode\nx = 1\n", "# coding: punycode\nx = 1\n"),
    "cookie_very_long": (b"# coding: " + b"a" * 9999 + b"\n", "# coding: " + "a" * 9999 + "\n"),
    "gbk": (CHINESE.encode("gbk"), CHINESE),
    "gb18030": ((CHINESE + "# 𠮷\n").encode("gb18030"), CHINESE + "# 𠮷\n"),
    "gbk_short": ("x = 1  # 梯度\n".encode("gbk"), "x = 1  # 梯度\n"),
    "gbk_shorter": ("# 计算\n".encode("gbk"), "# 计算\n"),
    "gbk_string": ("print('你好，世界！')\n".encode("gbk"), "print('你好，世界！')\n"),
    "gbk_name": ("# 学号：20210001 姓名：张伟\n".encode("gbk"), "# 学号：20210001 姓名：张伟\n"),
    "big5": (TRADITIONAL.encode("big5"), TRADITIONAL),
    "big5_short": ("x = 1  # 梯度\n".encode("big5"), "x = 1  # 梯度\n"),
    "big5_shorter": ("# 計算\n".encode("big5"), "# 計算\n"),
    "big5_backslash": ("# 功蓋許\nx = 1\n".encode("big5"), "# 功蓋許\nx = 1\n"),
    "big5_string": ("print('損失函數')\n".encode("big5"), "print('損失函數')\n"),
    "japanese": ("# 勾配を計算する\nx = 1\n".encode("cp932"), "# 勾配を計算する\nx = 1\n"),
    "latin1": ("# café à la crème, naïve\nx = 1\n".encode("latin-1"),
               "# café à la crème, naïve\nx = 1\n"),
    "utf16_with_mark": (CHINESE.encode("utf-16"), CHINESE),
    "utf16_big_endian": (codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"), CHINESE),
    "utf16_without_mark": (CHINESE.encode("utf-16-le"), CHINESE),
    "utf16_big_endian_without_mark": (CHINESE.encode("utf-16-be"), CHINESE),
    "utf32": (CHINESE.encode("utf-32"), CHINESE),
    "utf32_without_mark": (CHINESE.encode("utf-32-be"), CHINESE),
    "utf16_crlf": ("x = 1\r\n".encode("utf-16"), CODE),
    "jupytext_percent": (b"# %%\n%matplotlib inline\n# %% [markdown]\n# x = 2\n",
                         "# %%\n%matplotlib inline\n# %% [markdown]\n# x = 2\n"),
    "magics_are_not_python": (b"!ls\nx = 1\n", "!ls\nx = 1\n"),
    "a_dict": (b'{"cells": 1}\n', '{"cells": 1}\n'),
    "a_dict_of_python": (b"{'cells': 1}\nx = 1\n", "{'cells': 1}\nx = 1\n"),
    "syntax_error": (b"def f(:\n", "def f(:\n"),
    "merge_conflict": (b"<<<<<<< HEAD\nx = 1\n", "<<<<<<< HEAD\nx = 1\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", MODULES)
def test_a_module(read_bytes, case):
    data, expected = MODULES[case]
    source = read_bytes(data, "hw1.py")
    assert (source.kind, source.sha256) == ("module", hashlib.sha256(data).hexdigest())
    (cell,) = source.cells
    assert (cell.index, cell.label) == (1, "hw1.py")
    assert cell.source == expected


def test_the_label_of_a_module_is_one_printable_line(read_bytes):
    source = read_bytes(CODE.encode(), os.fsdecode(b"a\n\xff\xe2\x80\xae.py"))
    assert source.cells[0].label == "a\ufffd\ufffd\ufffd.py"


SIMPLIFIED_CHARS = "".join(
    bytes([a, b]).decode("gb2312") for a in range(0xB0, 0xD7) for b in range(0xA1, 0xFF)
)
TRADITIONAL_CHARS = "".join(
    bytes([a, b]).decode("big5")
    for a in range(0xA4, 0xC6)
    for b in (*range(0x40, 0x7F), *range(0xA1, 0xFF))
)


@given(st.text(st.sampled_from(SIMPLIFIED_CHARS), min_size=8, max_size=40))
def test_common_characters_in_gbk_come_back(tmp_path_factory, comment):
    check_round_trip(tmp_path_factory, comment, "gbk")


@given(st.text(st.sampled_from(TRADITIONAL_CHARS), min_size=8, max_size=40))
def test_common_characters_in_big5_come_back(tmp_path_factory, comment):
    check_round_trip(tmp_path_factory, comment, "big5")


def check_round_trip(tmp_path_factory, comment, encoding):
    text = f"x = 1  # {comment}\ny = 2\n"
    data = text.encode(encoding)
    assume(data.decode(errors="replace").count("\ufffd") > 0)  # a few are valid UTF-8 by chance
    path = tmp_path_factory.getbasetemp() / "round_trip.py"
    path.write_bytes(data)
    assert read_file(path, LIMIT).cells[0].source == text


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"]),
)
def test_any_comment_comes_back_where_the_encoding_is_told(tmp_path_factory, comment, encoding):
    declared = "gb18030" if encoding == "gb18030" else "utf-8"
    text = f"# coding: {declared}\nx = 1\n# .{comment}\n"
    path = tmp_path_factory.getbasetemp() / "told.py"
    path.write_bytes(text.encode(encoding))
    assert read_file(path, LIMIT).cells[0].source == text


@given(st.binary(min_size=1, max_size=30))
def test_the_ascii_after_a_comment_in_any_encoding_stays(tmp_path_factory, comment):
    """An encoding that is guessed wrong may spoil the comment, never the code below."""
    comment = bytes(byte | 0x80 if byte < 0x20 else byte for byte in comment)
    path = tmp_path_factory.getbasetemp() / "guessed.py"
    path.write_bytes(b"def f(x):\n    return x\n# " + comment + b"\ndef g(x):\n    return 2 * x\n")
    source = read_file(path, LIMIT).cells[0].source
    assert source.startswith("def f(x):\n    return x\n# ")
    assert source.endswith("\ndef g(x):\n    return 2 * x\n")


# Notebooks that are read

FORMAT_3 = {
    "nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "hw"},
    "worksheets": [{"metadata": {}, "cells": [
        {"cell_type": "heading", "level": 1, "source": "x = 3", "metadata": {}},
        {"cell_type": "code", "language": "python", "input": ["x = 1\n", "y = 2"], "outputs": [],
         "collapsed": False, "prompt_number": 1, "metadata": {}},
    ]}, {"cells": [{"cell_type": "code", "input": "z = 3", "outputs": []}]}],
}  # fmt: skip

NOTEBOOKS = {
    "one_cell": (notebook(code()), cells("x = 1\n")),
    "nbformat_3": (FORMAT_3, cells("x = 1\ny = 2", "z = 3")),
    "source_as_list": (notebook(code(["x = 1\n", "y = 2"])), cells("x = 1\ny = 2")),
    "magics_are_left_as_they_are": (
        notebook(code("%%time\n!ls\n"), code("x = !ls\n")), cells("%%time\n!ls\n", "x = !ls\n")
    ),
    "raw_and_markdown_cells_with_code": (
        notebook(markdown(), {"cell_type": "raw", "source": "x = 3", "metadata": {}}, code()),
        cells(CODE),
    ),
    "code_in_attachments": (
        notebook({**markdown(), "attachments": {"a.py": {"text/plain": "x = 3"}}},
                 code(attachments={"a.py": {"text/plain": "x = 3"}})),
        cells(CODE),
    ),
    "outputs_never_count": (
        notebook(code(outputs=[{"output_type": "stream", "name": "stdout", "text": "x = 3"}])),
        cells(CODE),
    ),
    "html_and_js_outputs": (
        notebook(code(outputs=[{"output_type": "display_data", "metadata": {},
                                "data": {"text/html": "<script>alert(1)</script>"}}])),
        cells(CODE),
    ),
    "no_cell_ids": (notebook(code(), nbformat_minor=5), cells(CODE)),
    "duplicate_cell_ids": (notebook(code(id="a"), code("y = 2", id="a")), cells(CODE, "y = 2")),
    "missing_fields": ({"cells": [{"cell_type": "code", "source": CODE}]}, cells(CODE)),
    "no_minor": ({"nbformat": 4, "metadata": {}, "cells": [code()]}, cells(CODE)),
    "future_version": (notebook(code(), nbformat=9, nbformat_minor=99), cells(CODE)),
    "version_of_another_type": (notebook(code(), nbformat="four", metadata=[]), cells(CODE)),
    "odd_fields": (notebook(code(outputs=None, metadata=7, execution_count="x")), cells(CODE)),
    "odd_cells": (
        notebook(None, 7, "x", [], {}, code(None), code(3), code([1, CODE])), cells(CODE)
    ),
    "blank_cells_are_dropped": (notebook(code(""), code(" \n\n"), code()), cells(CODE)),
    "crlf_in_a_cell": (notebook(code("x = 1\r\ny = 2\r\n")), cells("x = 1\ny = 2\n")),
    "lone_surrogate": (notebook(code("x = '\ud83d'\n")), cells("x = '\ufffd'\n")),
    "emoji": (notebook(code("x = '😀'\n")), cells("x = '😀'\n")),
    "nul_in_a_cell": (notebook(code("x = '\0'\n"), code()), cells("x = '\0'\n", CODE)),
    "function_defined_twice": (
        notebook(code("def f(): 1"), code("def f(): 2")), cells("def f(): 1", "def f(): 2")
    ),
    "out_of_order_cells": (
        notebook(code("y = x", execution_count=2), code(execution_count=1)), cells("y = x", CODE)
    ),
    "syntax_error": (notebook(code("def f(:"), code()), cells("def f(:", CODE)),
    "top_level_await": (notebook(code("await f()")), cells("await f()")),
    "input_call": (notebook(code("n = int(input())")), cells("n = int(input())")),
    "python_kernel": (
        notebook(code(), metadata={"kernelspec": {"name": "python3", "language": "python"}}),
        cells(CODE),
    ),
    "kernel_of_any_name": (
        notebook(code(), metadata={"kernelspec": {"name": "torch", "display_name": "R"}}),
        cells(CODE),
    ),
    "colab": (
        notebook(code("from google.colab import drive\ndrive.mount('/content/drive')\n"),
                 metadata={"accelerator": "GPU", "colab": {"provenance": []}}),
        cells("from google.colab import drive\ndrive.mount('/content/drive')\n"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["homework.ipynb", "saved_as.py", "a.ipynb.txt", "A.IPYNB.JSON", "a.json", "a.txt", "a"]
)
@pytest.mark.parametrize("case", NOTEBOOKS)
def test_a_notebook_whatever_its_suffix(read_bytes, case, name):
    document, expected = NOTEBOOKS[case]
    assert simplified(read_bytes(encoded(document), name)) == expected


def test_a_cell_is_called_by_its_place_among_all_cells(read_bytes):
    source = read_bytes(encoded(notebook(markdown(), code(), markdown(), code("y = 2"))), "a.ipynb")
    assert source.cells == (SourceCell(2, "cell 2", CODE), SourceCell(4, "cell 4", "y = 2"))


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + encoded(notebook(code("s = '王'"))),
        json.dumps(notebook(code("s = '王'")), ensure_ascii=False).encode("gbk"),
        json.dumps(notebook(code("s = '王'")), ensure_ascii=False).encode("utf-16"),
        json.dumps(notebook(code("s = '王'")), indent=1).replace("\n", "\r\n").encode(),
        b"\n\n " + encoded(notebook(code("s = '王'"))),
        encoded(notebook(code("s = '王'", outputs=[float("nan"), float("inf"), 10**4000]))),
        encoded(notebook(code("s = '王'"), metadata="tab\t")).replace(b"\\t", b"\t"),
    ],
    ids=["bom", "gbk", "utf16", "crlf", "blank_lines", "odd_numbers", "control_character"],
)
def test_the_bytes_of_a_notebook(read_bytes, data):
    assert simplified(read_bytes(data, "homework.ipynb")) == cells("s = '王'")


@pytest.mark.parametrize("name", ["a.ipynb", "a.py.txt", "A.PY.TXT"])
def test_python_under_another_name(read_bytes, name):
    assert simplified(read_bytes(b"import torch\nx = 1\n", name)) == module("import torch\nx = 1\n")


# Code in cells that are not run

ANSWER = "import torch\n\n# my answer\ndef grad_w1(x, y, params, hs, y_pred):\n    return x\n"
IN_TEXT = {
    "markdown": (markdown(ANSWER), {"grad_w1": TextCell("cell 2", "Markdown")}),
    "raw": ({**markdown(ANSWER), "cell_type": "raw"}, {"grad_w1": TextCell("cell 2", "raw")}),
    "class": (markdown("class Net(nn.Module):\n  pass"), {"Net": TextCell("cell 2", "Markdown")}),
    "in_a_fence": (
        markdown("Try this:\n```python\ndef forward(x, params):\n    return x\n```\n"),
        {"forward": TextCell("cell 2", "Markdown")},
    ),
    "assigned": (
        markdown(
            "# (3.4)\nd = -2 * (y - yp)\nfor i in range(3):\n    print(i)\nw2_grad = hs.T @ d\n"
        ),
        dict.fromkeys(["d", "w2_grad"], TextCell("cell 2", "Markdown")),
    ),
    "prose_about_an_assignment": (markdown("The gradient is\n\nw2_grad = hs.T @ d\n"), {}),
    "prose": (markdown("We define grad_w1 here.\n\n$$ y = x $$"), {}),
    "code": (code(ANSWER), {}),
}


@pytest.mark.parametrize("case", IN_TEXT)
def test_what_a_text_cell_would_define_is_told(read_bytes, case):
    cell, expected = IN_TEXT[case]
    assert read_bytes(encoded(notebook(code(), cell)), "a.ipynb").in_text == expected


@pytest.mark.parametrize(
    "language",
    [
        {"name": "ir", "language": "R"},
        {"name": ".net-csharp", "language": "C#"},
        {"name": "julia-1.9"},
    ],
)
@pytest.mark.parametrize(
    "line", ["def f(x):\n    return x", "class Net(nn.Module):\n    pass", "import torch"]
)
def test_the_metadata_of_another_kernel_is_no_reason_to_refuse_python(read_bytes, line, language):
    document = notebook(code(line), metadata={"kernelspec": language})
    assert simplified(read_bytes(encoded(document), "a.ipynb")) == cells(line)


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("R", "library(torch)\nf <- function(x) x\nfor (i in 1:3) print(i)\n"),
        ("C#", "using System;\npublic class Net {\n  int f(int x) => x;\n}\nclass A : B { }\n"),
        ("julia", "import Base\nusing Flux\nfunction forward(x)\n  x\nend\nf(x) = 2x\n"),
    ],
)
def test_a_notebook_in_another_language_is_refused(read_bytes, language, source):
    document = notebook(code(source), metadata={"language_info": {"name": language}})
    with pytest.raises(Unreadable, match=f"is written in {language}, not in Python"):
        read_bytes(encoded(document), "a.ipynb")


def test_an_odd_encoding_without_the_package_for_it_is_one_line(read_bytes, monkeypatch):
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)
    data, text = MODULES["gbk_short"]
    assert simplified(read_bytes(data)) == module(text)
    with pytest.raises(Unreadable) as raised:
        read_bytes(MODULES["latin1"][0], "a.py")
    assert str(raised.value) == "a.py is in an encoding that cannot be told here: save it as UTF-8"


def test_a_system_without_flags_for_links_reads_as_well(tmp_path):
    (tmp_path / "a.py").write_text(CODE)
    program = (
        "import os, sys\nfor name in ('O_NOFOLLOW', 'O_NONBLOCK', 'O_NOCTTY', 'O_CLOEXEC'):\n"
        "    delattr(os, name)\nfrom pathlib import Path\n"
        "from grader.source.read import read_bytes\nprint(read_bytes(Path(sys.argv[1]), 99))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == f"{CODE.encode()}\n"


def test_fifty_megabytes_of_outputs(read_bytes):
    output = {"output_type": "stream", "name": "stdout", "text": "0.1, [2], {3}\\n" * 3_500_000}
    data = encoded(notebook(code(outputs=[output])))
    assert len(data) > 50_000_000
    found = []
    assert effort(lambda: found.append(read_bytes(data, "big.ipynb", 2**26))) < 200
    assert simplified(found[0]) == cells(CODE)


# Without what is special to IPython, and without what nbformat 3 takes for the end of a line.
TEXTS = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc", "Zl", "Zp"],
        include_characters="\n",
        exclude_characters="%!?>.[,;/ ",
    ),
    max_size=20,
)


@given(st.lists(st.tuples(st.sampled_from(["code", "markdown", "raw"]), TEXTS), max_size=6))
def test_the_cells_are_those_that_nbformat_sees(tmp_path_factory, drawn):
    """Formats 3 and 4, as nbformat writes them and as it converts them."""
    from nbformat import v4

    new = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell, "raw": v4.new_raw_cell}
    written = v4.new_notebook(cells=[new[kind](text) for kind, text in drawn])
    for version in (4, 3):
        text = nbformat.writes(nbformat.convert(written, version), version)
        seen = nbformat.reads(text, as_version=4).cells
        expected = [
            (index, cell.source)
            for index, cell in enumerate(seen, 1)
            if cell.cell_type == "code" and cell.source.strip()
        ]
        path = tmp_path_factory.getbasetemp() / "seen.ipynb"
        path.write_text(text, encoding="utf-8", newline="")
        if expected:
            assert [(cell.index, cell.source) for cell in read_file(path, LIMIT).cells] == expected
        else:
            with pytest.raises(Unreadable, match="has no code cell with anything in it"):
                read_file(path, LIMIT)


# What is refused

R_KERNEL = {"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R"}}
ITSELF = "hand in the .py or .ipynb itself"
BROKEN = encoded(notebook(code()))[:-3]
BROKEN_WHERE = (
    "is broken: Expecting ',' delimiter in line 1, column 136; save it again from Jupyter"
)
EMPTY = "a.ipynb has no code cell with anything in it"
MERGED = b'{\n "cells": [\n<<<<<<< HEAD\n  {"cell_type": "code"}\n=======\n>>>>>>> theirs\n ]\n}\n'

REFUSED = {
    "no_bytes": (b"", "a.py is empty"),
    "blank": (b" \n\t\r\n", "a.py is empty"),
    "bom_alone": (codecs.BOM_UTF16_LE, "a.py is empty"),
    "nul": (b"x = 1\ny = '\0'\n", "a.py is not text: there is a NUL byte in line 2"),
    "nul_first": (b"\0\1\2", "a.py is not text: there is a NUL byte in line 1"),
    "broken_json": (BROKEN, f"a.ipynb {BROKEN_WHERE}"),
    "broken_json_as_py": (BROKEN, f"a.py {BROKEN_WHERE}"),
    "merge_markers": (MERGED, "a.ipynb holds an unresolved merge conflict (<<<<<<<) in line 3"),
    "merge_marker_first": (
        b"<<<<<<< HEAD\n{}", "a.ipynb holds an unresolved merge conflict (<<<<<<<) in line 1"
    ),
    "xml": (b"<svg/>", "a.ipynb is not a notebook: it begins with '<'"),
    "text": (b"x = 1\n", "a.txt is not read, for it is called neither .py nor .ipynb: " + ITSELF),
    "json": (b'{"x": 1}', "a.json is not read, for it is called neither .py nor .ipynb: " + ITSELF),
    "json_of_a_notebook": (
        b'{"x": 1}', "a.ipynb.json is not a notebook: it is JSON without cells"
    ),
    "json_of_something_else": (b'{"x": 1}', "a.ipynb is not a notebook: it is JSON without cells"),
    "cells_of_another_type": (
        b'{"cells": {}}', "a.ipynb is not a notebook: it is JSON without cells"
    ),
    "empty_notebook": (encoded(notebook()), EMPTY),
    "markdown_alone": (encoded(notebook(markdown())), EMPTY),
    "other_kernel": (
        encoded(notebook(code(), metadata=R_KERNEL)),
        "a.ipynb is written in R (kernel ir), not in Python"
    ),
    "other_kernel_without_language": (
        encoded(notebook(code(), metadata={"kernelspec": {"name": "julia-1.9"}})),
        "a.ipynb is written in julia-1.9 (kernel julia-1.9), not in Python",
    ),
    "hostile_kernel": (
        encoded(notebook(code(), metadata={"language_info": {"name": "R\n\x1b[31m" + "x" * 999}})),
        "a.ipynb is written in R\ufffd\ufffd[31m" + "x" * 33 + ", not in Python",
    ),
    "nested_too_deeply": (
        b'{"cells": ' + b"[" * 100_000, "a.ipynb is not a notebook: its JSON is nested too deeply"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(read_bytes, case):
    data, expected = REFUSED[case]
    with pytest.raises(Unreadable) as raised:
        read_bytes(data, expected.split()[0])
    assert str(raised.value) == expected


KINDS = {
    "%PDF-1.7\n": "a PDF document",
    "Rar!\x1a\x07\x01\0": "a RAR archive",
    "7z\xbc\xaf\x27\x1c\0\x04": "a 7z archive",
    "\x1f\x8b\x08\0": "a gzip archive",
    "a.py" + "\0" * 253 + "ustar\x0000": "a tar archive",
    "PK\x03\x04\x14\0\0\0": "a zip archive",
    "PK\x03\x04"
    + "\0" * 26
    + "[Content_Types].xml...PK\x03\x04 word/document.xml": "a Word document",
    "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Office document",
    "{\\rtf1\\ansi": "an RTF document",
    "\x89PNG\r\n\x1a\n": "an image",
    "\xff\xd8\xff\xe0\0\x10JFIF": "an image",
    "\0\0\0\x18ftypheic": "an image",
}


@pytest.mark.parametrize("name", ["a.py", "a.ipynb", "a.pdf", "a"])
@pytest.mark.parametrize("head", KINDS, ids=KINDS.values())
def test_what_is_no_text_is_told_by_what_it_is(read_bytes, head, name):
    with pytest.raises(Unreadable) as raised:
        read_bytes(head.encode("latin-1") + bytes(range(256)), name)
    assert str(raised.value) == f"{name} is {KINDS[head]}: {ITSELF}"


@pytest.mark.parametrize("name", ["a.html", "a.ipynb", "a.py", "a.ipynb.txt"])
@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html>\n<html>", "\ufeff\n<html lang='en'>", "<!-- a -->\n<HTML>"]
)
def test_a_notebook_exported_as_html_is_told_so(read_bytes, page, name):
    with pytest.raises(Unreadable, match="is an HTML page, probably a notebook exported as HTML"):
        read_bytes(page.encode() + b"<body>import torch</body>", name)


@pytest.mark.parametrize(
    "text", ["GIF89a = 1\n", "BZh = 2\n", "    ftyp = 1\n", "RIFF = 3  # WEBP\n", "html < page\n"]
)
def test_python_is_not_mistaken_for_another_kind(read_bytes, text):
    assert simplified(read_bytes(text.encode())) == module(text)


def test_a_bomb_of_values_is_refused(read_bytes):
    data = b'{"cells": [' + b"[]," * 5_000_001 + b"[]]}"
    with pytest.raises(Unreadable, match="more than 5000000 values"):
        read_bytes(data, "bomb.ipynb", 2**26)


def test_too_large(read_bytes):
    with pytest.raises(Unreadable, match=r"^a\.py is too large: 3\.0 MB, the limit is 1\.0 MB$"):
        read_bytes(b"#" * 3 * 2**20, "a.py")
    assert read_bytes(b"x" * LIMIT, "a.py").kind == "module"


def refused(path: Path) -> str:
    with pytest.raises(Unreadable) as raised:
        read_file(path, LIMIT)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_fifo_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.py")
    assert refused(tmp_path / "a.py") == "a.py is not a regular file"


@pytest.mark.parametrize("target", ["b.py", "nowhere.py", "/dev/zero", "a.py"])
def test_a_link_is_not_followed(tmp_path, target):
    (tmp_path / "b.py").write_text(CODE)
    (tmp_path / "a.py").symlink_to(target)
    assert refused(tmp_path / "a.py") == "a.py is a symbolic link, which is never followed"


def test_other_things_that_are_no_files(tmp_path, monkeypatch):
    (tmp_path / "folder.py").mkdir()
    assert refused(tmp_path / "folder.py").startswith("folder.py cannot be opened")
    assert refused(tmp_path / "gone.py") == "gone.py cannot be opened: No such file or directory"
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("s.py")
    assert refused(tmp_path / "s.py").startswith("s.py cannot be opened")
    assert refused(Path("/dev/zero")) == "zero is not a regular file"


def test_permissions(tmp_path, monkeypatch):
    """Through the call, because root may open any file."""

    def denied(path, *args):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", denied)
    assert refused(tmp_path / "a.py") == "a.py cannot be opened: Permission denied"


def test_a_hard_link_is_a_file(tmp_path):
    (tmp_path / "b.py").write_text(CODE)
    os.link(tmp_path / "b.py", tmp_path / "a.py")
    assert simplified(read_file(tmp_path / "a.py", LIMIT)) == module(CODE)


# Whatever is sent


def is_source_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        source = read_file(path, LIMIT)
    except Unreadable as error:
        message = str(error)
    else:
        message = ""
        assert source.cells
        for cell in source.cells:
            assert cell.source.encode()
            assert "\r" not in cell.source
    assert message == "" or message.isprintable()


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(["a.py", "a.ipynb"]))
def test_any_bytes(tmp_path_factory, data, name):
    is_source_or_refused(tmp_path_factory.getbasetemp() / name, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = [
    ["cells"], ["metadata"], ["nbformat"], ["nbformat_minor"], ["worksheets"], ["cells", 0],
    ["cells", 0, "source"], ["cells", 0, "cell_type"], ["cells", 0, "outputs"],
    ["metadata", "kernelspec"], ["metadata", "kernelspec", "language"],
    ["metadata", "kernelspec", "name"], ["metadata", "language_info"],
]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_a_notebook_with_anything_in_any_place(tmp_path_factory, changes):
    kernel = {"kernelspec": {"name": "python3", "language": "python"}, "language_info": {}}
    document = notebook(code("%%time\nx = !ls\n"), code(), metadata=kernel)
    for place, value in changes:
        parent: object = document
        for key in place[:-1]:
            try:
                parent = parent[key]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(parent, dict) or (isinstance(parent, list) and parent):
                try:
                    parent[place[-1]] = value  # type: ignore[index]
                except TypeError:
                    continue
    path = tmp_path_factory.getbasetemp() / "changed.ipynb"
    is_source_or_refused(path, encoded(document))


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_a_notebook_with_bytes_changed(tmp_path_factory, seed):
    rng = random.Random(seed)
    data = bytearray(encoded(notebook(code("%pwd\nx = '王'\n"), markdown(), code())))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data))
        rng.choice([
            lambda at=at: data.__setitem__(at, rng.randrange(256)),
            lambda at=at: data.__delitem__(slice(at, at + rng.randint(1, 9))),
            lambda at=at: data.insert(at, rng.randrange(256)),
        ])()  # fmt: skip
    is_source_or_refused(tmp_path_factory.getbasetemp() / "mutated.ipynb", bytes(data))


def test_a_large_file_of_noise_costs_little(tmp_path):
    noise = bytes(byte | 0x80 for byte in random.Random(0).randbytes(2**20)) * 16
    (tmp_path / "noise.py").write_bytes(noise)

    def reads() -> None:
        with pytest.raises(Unreadable, match="is too long"):
            read_file(tmp_path / "noise.py", 2**26)

    assert effort(reads) < 400


def test_a_notebook_costs_little_to_read(tmp_path):
    first = code("%matplotlib inline\n!pip install torch\nimport torch\nimport numpy as np\n")
    text = "def f(x):\n    return 2 * x  # twice\n\n" * 10
    output = {"output_type": "stream", "name": "stdout", "text": "loss 0.1\n" * 1000}
    document = notebook(first, *[markdown(), code(text, outputs=[output])] * 12)
    (tmp_path / "a.ipynb").write_bytes(encoded(document))
    assert effort(lambda: [read_file(tmp_path / "a.ipynb", LIMIT) for _ in range(100)]) < 20
