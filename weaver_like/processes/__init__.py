"""The catalog of processes, and how it reads their sources."""
