"""What comes back: bounces, complaints and providers' events, all represented by one type."""
