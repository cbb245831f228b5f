"""Files and values of CWL processes."""
