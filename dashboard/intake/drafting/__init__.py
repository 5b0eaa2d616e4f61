"""Drafts of mappings, from what files are called and hold."""
