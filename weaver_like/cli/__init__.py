"""The `weaver-like` command."""
