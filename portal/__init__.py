"""The public pages: sign on a phone, verify from a QR code. Server-rendered; drawing is all that needs JavaScript."""
