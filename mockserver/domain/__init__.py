"""What a persona service does, free of HTTP, files and stores: standard library only."""
