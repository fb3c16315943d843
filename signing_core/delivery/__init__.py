"""Links, confirmation codes, e-mail, SMS and the outbox they wait in."""
