"""The MCP server, spoken to by the library's own client."""
