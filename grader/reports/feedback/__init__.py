"""results/<student>/feedback.html: a student's points, what to fix first, and where."""
