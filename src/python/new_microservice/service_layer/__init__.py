"""The use cases of the inventory: which rule and which statement, in which order."""
