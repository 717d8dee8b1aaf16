"""The MCP server: the API's own routes as a few tools for agents, over HTTP and over standard input and output.

A tool calls the route it is named in, with the credential the call came with, so that what
a key may not do over HTTP it cannot do here. There is no tool that approves: that takes a
person at the console.
"""
