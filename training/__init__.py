"""How the two networks are made: sheets are drawn, degraded and learnt from. Only this folder needs torch."""
