"""Machines that cannot grade: each module breaks one thing and then runs the processes that grade.

They take the place of `python -m grader.grading.process`, whose arguments they are given.
"""
