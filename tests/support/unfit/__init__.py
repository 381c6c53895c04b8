"""Machines that cannot grade: one thing is broken, then the processes that grade run.

start.py replaces `python -m grader.grading.process`, whose arguments it gets.
"""
