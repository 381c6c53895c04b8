"""The drill of a class of 300, with 24 students: final marks are what pandas makes of the same."""

from drill_class_of_300 import Size, drill


def test_final_marks_of_a_term_are_what_pandas_computes(warm, tmp_path):
    size = Size(students=24, overrides=8, extensions=4, distinct=False)
    assert drill(size, tmp_path, warm.run) == []
