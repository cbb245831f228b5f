"""What the server says of itself: API definition and conformance."""
