"""The console: the operator's web interface, rendered on the server, built on the same functions as the API.

All assets are part of the package; no page requests anything from another host. A page shows what was read just
now, and what a button does is committed before the next page reports it.
"""
