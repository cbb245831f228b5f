"""How bytes come, one URI scheme each."""
