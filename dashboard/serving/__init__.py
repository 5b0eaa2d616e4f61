"""What stands around every answer of the server, and what it says of itself."""
