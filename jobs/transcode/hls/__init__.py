"""What a stream is written as: boxes, tracks, playlists, names."""
