"""What the shop is about: orders, products, claims on stock. Standard library only, no I/O."""
