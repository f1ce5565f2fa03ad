"""Reading OpenAPI documents: no HTTP server, no rule about personas."""
