"""What the tests stand on: real parts on loopback, scripted; nothing here knows the inside of Gatepost."""
