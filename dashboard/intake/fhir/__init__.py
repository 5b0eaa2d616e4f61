"""Reads a delivery of FHIR R4 resources: turns them into records of the contract, or says why not."""
