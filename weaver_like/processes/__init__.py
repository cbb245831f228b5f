"""Services about processes."""
