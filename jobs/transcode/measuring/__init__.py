"""What is told of a stream that was written."""
