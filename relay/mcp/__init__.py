"""The MCP server: routes of the API as a few tools for agents, over HTTP and over standard input and output.

A tool calls its route with the credential of its own caller, so a key has the same rights here as over HTTP.
There is no tool for approving: that takes a person at the console.
"""
