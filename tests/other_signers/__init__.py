"""Software that people sign with, alone and mixed: what it writes is judged here (docs/other-signers.md)."""
