"""Staff dashboard of a group of infusion clinics."""
