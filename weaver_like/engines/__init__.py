"""When and in which worker a job runs."""
