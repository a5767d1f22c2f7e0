"""Long videos: parts that are made apart from each other, and their join."""
