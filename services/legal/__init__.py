"""Legal: from the assessment of a case to the enforcement of a judgment."""
