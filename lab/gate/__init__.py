"""What becomes of runs afterwards: the release gate, the difference of two runs, merged reports."""
