"""Documents to print: what panels show, as HTML and PDF from the same blocks, without a browser."""
