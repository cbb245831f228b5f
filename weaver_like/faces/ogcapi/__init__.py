"""OGC API - Processes over HTTP."""
