"""What is measured: the arithmetic and cost of a step, and quality over time."""
