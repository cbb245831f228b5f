"""What clients bring: application packages, read and made into processes."""
