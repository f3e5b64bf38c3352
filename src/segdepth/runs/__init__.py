"""The folder of a run: its layout, what its files say, which runs there are, and what differs between them. No torch."""
