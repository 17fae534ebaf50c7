"""The output of a run: records, results.json, the HTML report, the terminal table."""
