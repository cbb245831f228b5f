"""Documents of OGC API - Processes, between the domain and JSON."""
