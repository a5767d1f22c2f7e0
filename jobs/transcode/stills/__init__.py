"""The poster and the storyboard."""
