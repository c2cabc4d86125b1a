"""What the tests must notice: one small fault at a time in the lines that carry the theory."""
