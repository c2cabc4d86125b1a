"""What is trained in a comparison, where, and how it is kept."""
