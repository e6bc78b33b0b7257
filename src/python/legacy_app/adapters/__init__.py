"""What the shop talks to: its database, and the stock wherever that is kept."""
