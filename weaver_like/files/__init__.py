"""The work folder and the output area."""
