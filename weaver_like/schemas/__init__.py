"""JSON documents and query strings <-> domain objects."""
