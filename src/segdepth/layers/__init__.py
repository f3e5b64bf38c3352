"""What two networks share, and nothing that one uses alone."""
