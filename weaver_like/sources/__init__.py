"""Where a process comes from."""
