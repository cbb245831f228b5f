"""What clients may ask for, in the name of a requester; faces see nothing below."""
