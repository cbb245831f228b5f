"""Who may do what, and where bytes may go."""
