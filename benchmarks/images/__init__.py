"""How large the images are, how fast they start and how little memory they take."""
