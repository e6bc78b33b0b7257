"""The inventory service: reservations of stock, carved out of the shop."""
