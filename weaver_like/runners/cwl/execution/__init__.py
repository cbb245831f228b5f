"""CWL processes: run."""
