"""Values and rules of the domain, without side effects; standard library only."""
