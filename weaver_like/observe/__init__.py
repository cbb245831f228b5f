"""What happened: logs, and what jobs use."""
