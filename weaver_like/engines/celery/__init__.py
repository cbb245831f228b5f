"""Jobs on Celery workers: the broker carries messages that wake, the store stays the queue of record."""
