"""The operator: gather what is to be known, decide in the core, apply once."""
