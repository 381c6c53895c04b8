"""The commands that grade, in the coordinating process: they show people what came of a job."""
