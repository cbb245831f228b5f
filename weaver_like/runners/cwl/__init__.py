"""CWL application packages, by cwltool as a library."""
