"""The only place where the parts meet: one process of Gatepost, and the installation around it."""
