"""Labelling jobs from the command line: templates, requests, teams, results. The jobs run elsewhere."""
