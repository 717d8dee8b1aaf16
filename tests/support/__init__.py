"""What the tests build on: real, scripted parts on loopback; nothing here depends on Gatepost's internals."""
