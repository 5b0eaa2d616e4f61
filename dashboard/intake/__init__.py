"""Deliveries in, extracts out: the contract, the readers, the build and the publication."""
