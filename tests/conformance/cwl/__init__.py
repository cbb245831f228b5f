"""The official conformance suite of CWL v1.2, asked of the server through
HTTP: `python -m tests.conformance.cwl --suite FOLDER`."""
