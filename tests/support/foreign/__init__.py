"""A foreign system that runs jobs, for the tests of runs that are followed."""
