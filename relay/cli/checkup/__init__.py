"""What `gatepost doctor` examines: each module covers one area and yields findings in plain words."""
