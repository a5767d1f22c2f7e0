"""What the executor of one machine is made of."""
