"""Files of a delivery: which there are, how they are written, what stands in them."""
