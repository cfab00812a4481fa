"""QR codes module by module: from soft module values to the corrected symbol."""
