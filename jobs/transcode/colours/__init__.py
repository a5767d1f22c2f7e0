"""Wide and bright colours as a plain screen shows them: light, what is seen of it, and the table that maps it."""
