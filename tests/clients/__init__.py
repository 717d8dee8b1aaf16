"""What the pages tell users to paste, run as it stands."""
