"""What clients see; no rules here."""
