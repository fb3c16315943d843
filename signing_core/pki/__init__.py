"""X.509 certificates and the ASN.1 below them, as they come: read by position, never refused for one odd field."""
