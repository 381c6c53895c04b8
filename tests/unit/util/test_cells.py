"""No table that we write has a cell which a spreadsheet runs, however it parts the cells."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.util.csv_cells import from_cell, to_cell

CELLS = {  # a text, and the cell it becomes
    "ada": "ada",
    "": "",
    "it's": "it's",
    "0.5": "0.5",
    "grad_w1 = x; a - b": "grad_w1 = x; a - b",
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\uff1d1+1": "'\uff1d1+1",
    "\uff0b1": "'\uff0b1",
    "\uff0d1": "'\uff0d1",
    "\uff20x": "'\uff20x",
    " =1": "' =1",
    "\t=1": "'\t'=1",
    "\tada": "'\tada",
    "\rada": "'\rada",
    "\ufeff=1": "'\ufeff=1",
    "\u3000=1": "'\u3000=1",
    "'=1": "''=1",
    '"=1': "'\"=1",
    "ada;=1": "ada;'=1",
    "ada; =1": "ada;' =1",
    'ada;"=1': "ada;'\"=1",
    "ada;\uff20x;-1": "ada;'\uff20x;'-1",
    "ada\t=1": "ada\t'=1",
    "ada\n=1": "ada\n'=1",
    "ada\r\n-1": "ada\r\n'-1",
    "ada|=1": "ada|'=1",
    "x;=1+1": "x;'=1+1",
    "c;\uff1d1+1": "c;'\uff1d1+1",
    "b\t=1+1": "b\t'=1+1",
    'a"=1': 'a"=1',
    "=cmd|' !A0": "'=cmd|' !A0",
    "ada;=cmd|'/C calc'!A0": "ada;'=cmd|'/C calc'!A0",
}


@pytest.mark.parametrize("text", CELLS)
def test_what_a_spreadsheet_would_run_has_an_apostrophe_before_it(text):
    assert to_cell(text) == CELLS[text]
    assert from_cell(CELLS[text]) == text


SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.sampled_from(f"{SIGNS};|,\t\r\n '\"\ufeff\u3000\0ab1"), max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_no_cell_begins_a_formula_whatever_parts_the_cells(texts):
    table = io.StringIO(newline="")
    csv.writer(table).writerow([to_cell(text) for text in texts])
    written = table.getvalue()
    (row,) = csv.reader(io.StringIO(written, newline=""))
    assert [from_cell(cell) for cell in row] == texts
    for separator in ",;\t|":
        for cells in csv.reader(io.StringIO(written, newline=""), delimiter=separator):
            for cell in cells:
                bare = cell.lstrip(' \t\r\n\0\ufeff\u3000"')
                assert not bare.startswith(tuple(SIGNS)), (separator, written)


def test_a_text_of_blanks_takes_no_longer_than_it_is_long():
    for blank in "\n \t'":
        to_cell(1_000_000 * blank)
        to_cell("=" + 1_000_000 * blank + "=")


@given(st.text(max_size=30))
def test_a_cell_is_read_back_as_it_was(text):
    assert from_cell(to_cell(text)) == text
