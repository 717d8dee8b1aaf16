"""Where all parts are put together: one process of Gatepost, and the installation around it."""
