"""The job core: one file, one verb."""
