"""Worker processes: `embedded` serves the process manager of a server, `celery` a broker."""
