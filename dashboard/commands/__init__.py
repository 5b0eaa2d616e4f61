"""Commands, a module for each group of them; cli.py puts them together."""
