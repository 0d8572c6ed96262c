"""The logic of the shop; views only translate."""
