"""results/<student>/feedback.html: what a student got, what to mend first, and where."""
