"""Running one execution unit in the child of a job."""
