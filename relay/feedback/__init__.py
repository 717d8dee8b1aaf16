"""What comes back: bounces, complaints and providers' events, as one kind of value."""
