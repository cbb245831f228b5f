"""What clients may ask for, on behalf of a requester; faces reach nothing else."""
