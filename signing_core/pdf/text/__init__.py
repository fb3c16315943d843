"""What a content stream shows as text: codes to characters, in reading order, as far as fonts tell (ISO 32000-2, 9.10)."""
