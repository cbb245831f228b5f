"""Where bytes may go: the guard, and clients of HTTP and S3."""
