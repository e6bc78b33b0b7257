"""What the shop can do, independent of who asks: placing orders and driving them to their end."""
