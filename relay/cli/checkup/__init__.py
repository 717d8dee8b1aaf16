"""What `gatepost doctor` looks at: each module is one area, each yields findings in plain words."""
