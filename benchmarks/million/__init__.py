"""A store with a million messages in it, and how long every list and every screen takes to answer over it."""
