"""The same documents as HTML."""
