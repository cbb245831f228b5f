"""CWL documents: loaded, checked, described."""
